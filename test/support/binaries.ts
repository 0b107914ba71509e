import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian installs nginx there, and these directories are not on every user's PATH. */
const SYSTEM_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Returns the path of an installed program, or undefined. */
export function findBinary(binary: string): string | undefined {
  const directories = [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_DIRECTORIES];
  return directories.map((directory) => join(directory, binary)).find(isExecutable);
}

/** A suite that needs an installed program. Without it the suite is skipped under a name that says so; in CI it fails. */
export function describeWithBinary(binary: string, name: string, suite: () => void): void {
  if (findBinary(binary) !== undefined) {
    describe(name, suite);
  } else if (process.env.CI === "true") {
    test(`${name}: ${binary} is installed`, () => {
      throw new Error(`${binary} is not installed`);
    });
  } else {
    describe.skip(`${name} (skipped: ${binary} is not installed)`, suite);
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
