import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestHandler } from "express";

/** What clients can be generated from, as `npm run schemas` makes it; also the names under `/schemas/`. */
export const SCHEMA_FILES = ["payloads.json", "asyncapi.json", "openapi.json"] as const;

// src/ and dist/ lie equally deep, so one path serves ts-node and compiled code.
const DIRECTORY = join(__dirname, "../../schemas");

/** `GET /schemas/<name>`. Reads the file now, so that one that is missing stops the start. */
export function schemaHandler(name: (typeof SCHEMA_FILES)[number]): RequestHandler {
  const content = readFileSync(join(DIRECTORY, name));
  return (_req, res) => {
    // Express adds the ETag: asking again costs a 304, and a new version of the server is seen at once.
    res.set("Cache-Control", "no-cache").type("json").send(content);
  };
}
