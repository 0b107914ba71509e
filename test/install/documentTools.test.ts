import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryDirectory } from "../support/temporaryDirectory";

/** Prints the names of the models that Modelina generates from the AsyncAPI document on standard input. */
const GENERATE = `
  const { TypeScriptGenerator } = require("@asyncapi/modelina");
  const document = JSON.parse(require("fs").readFileSync(0, "utf8"));
  new TypeScriptGenerator().generate(document).then((models) =>
    console.log(JSON.stringify(models.map(({ modelName }) => modelName))));
`;

test(
  "AsyncAPI Modelina generates TypeScript models from asyncapi.json, each with a name of its own",
  () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "package.json"), "{}");
    writeFileSync(join(cwd, "generate.js"), GENERATE);
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "@asyncapi/modelina@5"], {
      cwd,
      stdio: "pipe",
    });
    const input = readFileSync(resolve("schemas/asyncapi.json"));
    const names = JSON.parse(
      execFileSync("node", ["generate.js"], { cwd, input, encoding: "utf8" }),
    ) as string[];
    expect(names).toEqual(
      expect.arrayContaining(["NewMessage", "ChatMessageEnvelope", "UnknownRoomRefusal"]),
    );
    expect(names.filter((name) => /^Anonym/i.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  },
  5 * 60_000,
);
