import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { RequestHandler } from "express";

/** Serves a file of the package. Reads it at once, so that a missing file throws before the server starts. */
export function fileHandler(path: string, headers: Record<string, string> = {}): RequestHandler {
  const content = readFileSync(join(__dirname, "../..", path)); // src/ and dist/ are equally deep
  // With Express's ETag a repeated request costs a 304, and a new version is seen at once.
  const allHeaders = { "Cache-Control": "no-cache", ...headers };
  return (_req, res) => void res.set(allHeaders).type(extname(path)).send(content);
}
