import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

test("the committed schemas are what `npm run schemas` makes of the types", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { schemas: string } };
  const fresh = join(mkdtempSync(join(tmpdir(), "schemas-")), "payloads.json");
  const command = scripts.schemas.replace("schemas/payloads.json", fresh);
  expect(command).toContain(fresh);
  execFileSync("npx", ["--no-install", "sh", "-c", command], { stdio: "pipe" });
  expect(JSON.parse(readFileSync("schemas/payloads.json", "utf8"))).toEqual(
    JSON.parse(readFileSync(fresh, "utf8")),
  );
});
