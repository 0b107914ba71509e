import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asyncApi } from "./asyncapi";
import { openApi } from "./openapi";
import { componentSchemas, typeSchemas } from "./typeSchemas";

/** `npm run schemas [-- <directory>]`: writes the documents, by default to where they are committed. */
const [directory = join(__dirname, "..")] = process.argv.slice(2);

const packageFile = readFileSync(join(__dirname, "../../package.json"), "utf8");
const { version, license } = JSON.parse(packageFile) as { version: string; license: string };
const info = { title: "Realtime chat service", version, license: { name: license } };
const components = componentSchemas();
const documents = {
  "payloads.json": typeSchemas("payloads"),
  "asyncapi.json": asyncApi(info, components),
  "openapi.json": openApi(info, components),
};
for (const [name, document] of Object.entries(documents))
  writeFileSync(join(directory, name), `${JSON.stringify(document, null, 2)}\n`);
