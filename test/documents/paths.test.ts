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
