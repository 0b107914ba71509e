/**
 * Compiles bench/ before the run. With ts-node's compiler in its heap a peer would use more memory than without,
 * and the service under test is compiled JavaScript, too.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import * as ts from "typescript";

const benchDirectory = join(__dirname, "..");
// Under node_modules, where compiled files find the project's packages and git ignores them.
const outDirectory = join(benchDirectory, "..", "node_modules", ".cache", "bench");

/** Returns a function from a path in bench/ to the path of the compiled file. */
export function compileBench(): (source: string) => string {
  rmSync(outDirectory, { recursive: true, force: true });
  for (const file of readdirSync(benchDirectory, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts")) compile(join(benchDirectory, file));
  }
  return (source) => compiledPath(join(benchDirectory, source));
}

function compile(file: string): void {
  const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
    fileName: file,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
    },
  });
  mkdirSync(dirname(compiledPath(file)), { recursive: true });
  writeFileSync(compiledPath(file), outputText);
}

function compiledPath(file: string): string {
  return join(outDirectory, relative(benchDirectory, file)).replace(/\.ts$/, ".js");
}
