import { execFileSync } from "node:child_process";

/** The suites that start the real process run what `npm start` runs: compiled JavaScript and the page, freshly built. */
export default function globalSetup(): void {
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", "src"], { stdio: "inherit" });
  execFileSync("npm", ["run", "--silent", "build:page"], { stdio: "inherit" });
}
