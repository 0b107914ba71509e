import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterThisTest } from "./disposal";

/** Creates a directory and returns its path. Removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "chat-"));
  afterThisTest(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
