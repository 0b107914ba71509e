/** Options of every project. */
const common = {
  rootDir: __dirname,
  testEnvironment: "node",
  transform: {
    "^.+\\.[jt]s$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }],
  },
  // These packages are published as ES modules only, and Jest runs CommonJS.
  transformIgnorePatterns: ["/node_modules/(?!(uuid|jose)/)"],
};

/** Pure modules: no server, no I/O, no build. */
const unit = { ...common, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] };

/** Everything else that needs no network. Jest runs the globalSetup only if the run has a test of this project. */
const service = {
  ...common,
  displayName: "service",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "<rootDir>/test/(unit|install)/"],
  globalSetup: "<rootDir>/test/support/globalSetup.ts",
};

/** @type {import("jest").Config} */
module.exports = { projects: [unit, service], maxWorkers: 2, testTimeout: 20_000 };
