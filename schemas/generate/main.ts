import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asyncApi } from "./asyncapi";
import type { Json } from "./json";
import { openApi } from "./openapi";
import { payloadSchemas, shapeSchemas } from "./typeSchemas";

/** `npm run schemas [-- <directory>]`: writes the documents, by default where they are committed. */
const [directory = join(__dirname, "..")] = process.argv.slice(2);

const shapes = shapeSchemas();
const documents: Record<string, Json> = {
  "payloads.json": payloadSchemas(),
  "asyncapi.json": asyncApi(shapes),
  "openapi.json": openApi(shapes),
};

for (const [name, document] of Object.entries(documents))
  writeFileSync(join(directory, name), `${JSON.stringify(document, null, 2)}\n`);
