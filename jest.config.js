/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: {
    "^.+\\.[jt]s$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }],
  },
  // uuid is published as ES modules only; Jest runs CommonJS.
  transformIgnorePatterns: ["/node_modules/(?!(uuid|jose)/)"],
  globalSetup: "<rootDir>/test/support/globalSetup.ts",
  maxWorkers: 2,
  testTimeout: 20_000, // ms
};
