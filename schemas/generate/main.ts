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
const write = (name: string, document: object) =>
  writeFileSync(join(directory, name), `${JSON.stringify(document, null, 2)}\n`);
write("payloads.json", typeSchemas("payloads"));
write("asyncapi.json", asyncApi(info, components));
write("openapi.json", openApi(info, components));
