import { execFileSync } from "node:child_process";

/**
 * Builds what the suites that start the service as a process run: the same JavaScript and the same page as
 * `npm start`. `--noCheck` skips the type check (`npm run typecheck` has it) and emits the same files four times faster.
 */
export default function globalSetup(): void {
  const tsc = require.resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "src", "--noCheck"], { stdio: "inherit" });
  execFileSync("npm", ["run", "--silent", "build:page"], { stdio: "inherit" });
}
