import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { temporaryDirectory } from "../support/temporaryDirectory";

const CONFIGURATION = resolve(".dependency-cruiser.js");
const DEPCRUISE = resolve("node_modules/dependency-cruiser/bin/dependency-cruise.mjs");

/** Runs the check of `npm run lint` on a tree of these files: path → content. */
function check(files: Record<string, string>): { status: number | null; report: string } {
  const tree = temporaryDirectory();
  for (const [path, content] of Object.entries({ "bench/empty.ts": "export {};", ...files })) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  symlinkSync(resolve("node_modules"), join(tree, "node_modules"));
  const args = [DEPCRUISE, "src", "bench", "--config", CONFIGURATION];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: tree, encoding: "utf8" });
  return { status, report: stdout };
}

const TYPE = "export interface Thing { name: string }";

test("an import that goes down a layer passes", () => {
  const files = {
    "src/chat/room.ts": 'import type { Thing } from "../protocol/thing"; export type Room = Thing;',
    "src/protocol/thing.ts": TYPE,
  };
  expect(check(files).status).toBe(0);
});

test.each([
  ["src/protocol/event.ts", "src/chat/room.ts"],
  ["src/messageLog/redis/log.ts", "src/delivery/fan.ts"],
  ["src/connections/engine.ts", "src/incoming/event.ts"],
  ["src/access/door.ts", "src/http/route.ts"],
  ["src/chat/service.ts", "src/app.ts"],
  ["src/client/client.ts", "src/access/door.ts"],
  ["src/web/page.ts", "src/http/route.ts"],
  ["src/http/route.ts", "src/web/page.ts"],
  ["src/app.ts", "src/somewhere/else.ts"],
])("the type import in %s of %s fails the check", (from, to) => {
  const specifier = `${"../".repeat(from.split("/").length - 1)}${to.replace(/\.ts$/, "")}`;
  const { status, report } = check({
    [from]: `import type { Thing } from "${specifier}"; export type Own = Thing;`,
    [to]: TYPE,
  });
  expect(report).toContain(`${from} → ${to}`);
  expect(status).not.toBe(0);
});

test.each(["src/messageLog", "bench/process"])(
  "two files of %s that import each other's types fail",
  (folder) => {
    const { status, report } = check({
      "src/empty.ts": "export {};",
      [`${folder}/one.ts`]: 'import type { Two } from "./two"; export interface One { two: Two }',
      [`${folder}/two.ts`]: 'import type { One } from "./one"; export interface Two { one: One }',
    });
    expect(report).toContain("no-cycles");
    expect(status).not.toBe(0);
  },
);
