const { projects, testTimeout } = require("../../jest.config.js");

/** Tests in fresh clones. They use the npm registry, so `npm test` leaves them out. @type {import("jest").Config} */
module.exports = {
  rootDir: "../..",
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/install/**/*.test.ts"],
  transform: projects[0].transform,
  transformIgnorePatterns: projects[0].transformIgnorePatterns,
  testTimeout,
};
