import { readFileSync } from "node:fs";
import { configurationDocument } from "../../docs/generate/configuration";
import { documents } from "../../docs/generate/documents";
import { scalingDocument } from "../../docs/generate/scaling";
import type { Results } from "../../bench/report/results";

const read = (path: string) => readFileSync(path, "utf8");

test.each(Object.entries(documents()))("%s is what `npm run docs` writes", (path, text) => {
  expect(read(path)).toBe(text);
});

test("the template of CONFIGURATION.md must show every variable once", () => {
  const template = read("docs/generate/configuration.template.md");
  const withoutFirst = template.replace("{{PORT}}", "");
  for (const wrong of [withoutFirst, `${withoutFirst}\n{{PORT}}\n`, `${template}\n{{HEIGHT}}\n`])
    expect(() => configurationDocument(wrong)).toThrow("does not have the order of the variables");
});

describe("the template of SCALING.md", () => {
  const results = JSON.parse(read("bench/results.json")) as Results;
  const template = read("docs/generate/scaling.template.md");

  test("must not name a figure that does not exist", () => {
    expect(() => scalingDocument(`${template} {{height}}`, results)).toThrow("there is no figure height");
  });

  test("must use every figure", () => {
    expect(() => scalingDocument(template.replaceAll("{{write}}", "8 µs"), results)).toThrow(
      "does not use write",
    );
  });

  test("needs every scenario in bench/results.json", () => {
    const { takeOver, ...scenarios } = results.scenarios;
    expect(takeOver).toBeDefined();
    expect(() => scalingDocument(template, { ...results, scenarios })).toThrow(
      "has no servedMs of twoNodes in takeOver",
    );
  });

  test("has no measured figure of its own", () => {
    const lines = template.replaceAll(/\{\{\w+\}\}/g, "").split("\n");
    const bold = lines.flatMap((line) => line.split("**").filter((_, index) => index % 2 === 1));
    expect(bold.filter((text) => /\d/.test(text))).toEqual([]);
  });
});
