import { readFileSync } from "node:fs";

/** The rows of the tables in docs/OPERATING.md: what, how much, what happens beyond, where. */
const ROWS = readFileSync("docs/OPERATING.md", "utf8")
  .split("\n")
  .filter((line) => line.startsWith("|") && !/^\| (?:-+|What) /.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, what = "", , , where = ""]) => ({ what, where }));

const CONSTANTS = ROWS.flatMap(({ what, where }) => {
  const [file = ""] = /src\/[\w/]+\.ts/.exec(where) ?? [];
  const named = [...where.matchAll(/`([A-Z_]+)` = ([\d,]*\d)/g)];
  return named.map(([, name = "", value = ""]) => ({ what, file, name, value }));
});

test("docs/OPERATING.md has its tables", () => {
  expect(ROWS.length).toBeGreaterThan(40);
  expect(CONSTANTS.length).toBeGreaterThan(30);
});

test.each(CONSTANTS)("$what: $name in $file is $value", ({ file, name, value }) => {
  const [, expression = ""] =
    new RegExp(`const ${name} = ([\\d_ *]+);`).exec(readFileSync(file, "utf8")) ?? [];
  const product = expression
    .split("*")
    .reduce((result, factor) => result * Number(factor.replaceAll("_", "")), 1);
  expect(product.toLocaleString("en")).toBe(value);
});

test("every variable that docs/OPERATING.md names is in docs/CONFIGURATION.md", () => {
  const configuration = readFileSync("docs/CONFIGURATION.md", "utf8");
  const variables = ROWS.filter(({ where }) => !/src\/|Node/.test(where)).flatMap(({ where }) =>
    [...where.matchAll(/`([A-Z_]+)`/g)].map(([, name = ""]) => name),
  );
  expect(variables.length).toBeGreaterThan(10);
  expect(variables.filter((name) => !configuration.includes(`\`${name}\``))).toEqual([]);
});
