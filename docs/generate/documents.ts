import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Results } from "../../bench/report/results";
import { markdownTable } from "../../bench/report/table";
import { configurationDocument } from "./configuration";
import { scalingDocument } from "./scaling";

const PROJECT = join(__dirname, "../..");
const BENCHMARKS =
  /(?<=<!-- benchmarks: written by `npm run docs` -->\n\n)[^]*?(?=\n\n<!-- end of benchmarks -->)/;

/** Path in the project → what `npm run docs` writes there. */
export function documents(): Record<string, string> {
  const results = JSON.parse(read("bench/results.json")) as Results;
  return {
    "README.md": withBenchmarks(read("README.md"), results),
    "docs/CONFIGURATION.md": configurationDocument(read("docs/generate/configuration.template.md")),
    "docs/SCALING.md": scalingDocument(read("docs/generate/scaling.template.md"), results),
  };
}

function withBenchmarks(readme: string, results: Results): string {
  if (!BENCHMARKS.test(readme)) throw new Error("README.md does not mark where the benchmarks go");
  return readme.replace(BENCHMARKS, () => markdownTable(results));
}

function read(path: string): string {
  return readFileSync(join(PROJECT, path), "utf8");
}
