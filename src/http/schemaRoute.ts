import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestHandler } from "express";

/** The documents that `npm run schemas` generates, by their names under `/schemas/`. */
export const SCHEMA_FILES = ["payloads.json", "asyncapi.json", "openapi.json"] as const;

/** `GET /schemas/<name>`. Reads the file at once, so that a missing file prevents the start. */
export function schemaHandler(name: (typeof SCHEMA_FILES)[number]): RequestHandler {
  const content = readFileSync(join(__dirname, "../../schemas", name)); // src/ and dist/ are equally deep
  // With Express's ETag a repeated request costs a 304, and a new version is seen at once.
  return (_req, res) => void res.set("Cache-Control", "no-cache").type("json").send(content);
}
