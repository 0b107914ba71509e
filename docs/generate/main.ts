import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { documents } from "./documents";

/* `npm run docs`: writes the documents that are generated, from src/config.ts and bench/results.json. */

for (const [path, text] of Object.entries(documents())) writeFileSync(join(__dirname, "../..", path), text);
