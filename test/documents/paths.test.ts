import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const MARKDOWN = execFileSync("git", ["ls-files", "*.md"], { encoding: "utf8" })
  .split("\n")
  .filter((path) => path !== "" && !path.endsWith(".template.md") && existsSync(path));

test.each(MARKDOWN)("every file that %s names exists", (path) => {
  const text = readFileSync(path, "utf8");
  const named = [...text.matchAll(/\b(?:src|test|bench|schemas|docs)\/[\w./-]*\w(?:\/|\b)/g)].map(
    ([name]) => name,
  );
  expect(named.filter((name) => !existsSync(name))).toEqual([]);
  const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target]) => target ?? "");
  expect(linked.filter((target) => !existsSync(join(dirname(path), target)))).toEqual([]);
});

test("CONTRIBUTING.md draws the layers that the lint rule checks, in their order", () => {
  const [diagram = ""] = readFileSync("CONTRIBUTING.md", "utf8").split("```text\n").slice(1);
  const drawn = [...(diagram.split("```")[0] ?? "").matchAll(/^ (\w+(?:\.ts|\/)) {2,}/gm)].map(
    ([, name]) => name,
  );
  const rule =
    readFileSync(".dependency-cruiser.js", "utf8").split("const LAYERS = [")[1]?.split("]")[0] ?? "";
  const checked = [...rule.matchAll(/"(.+)"/g)].map(([, name]) => name);
  expect(drawn).toEqual(checked);
});
