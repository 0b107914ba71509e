/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: {
    "^.+\\.[jt]s$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }],
  },
  // These are published as ES modules only; Jest runs CommonJS.
  transformIgnorePatterns: ["/node_modules/(?!(uuid|jose|@apidevtools/json-schema-ref-parser)/)"],
  globalSetup: "<rootDir>/test/support/globalSetup.ts",
  maxWorkers: 2,
  testTimeout: 20_000, // ms
};
