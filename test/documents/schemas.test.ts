import { Parser } from "@asyncapi/parser";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SCHEMA_FILES } from "../../src/http/staticFiles";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";

// Redocly neither reports its use nor looks for a newer version: the test needs no network.
const OFFLINE = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
const OPTIONS = { encoding: "utf8", stdio: "pipe", env: { ...process.env, ...OFFLINE } } as const;

const committed = (name: string) => readFileSync(join("schemas", name), "utf8");

test("the committed documents are those that `npm run schemas` generates", () => {
  const fresh = temporaryDirectory();
  execFileSync("npm", ["run", "--silent", "schemas", "--", fresh], { stdio: "pipe" });
  for (const name of SCHEMA_FILES) expect(readFileSync(join(fresh, name), "utf8")).toBe(committed(name));
});

test("asyncapi.json passes the parser of the AsyncAPI project", async () => {
  const { document, diagnostics } = await new Parser().parse(committed("asyncapi.json"));
  expect(document?.version()).toBe("3.0.0");
  // The document needs nothing of 3.1, which fewer tools read.
  expect(diagnostics.filter(({ code }) => code !== "asyncapi-latest-version")).toEqual([]);
});

test("openapi.json passes the recommended rules of Redocly, without a warning", () => {
  const args = ["redocly", "lint", "schemas/openapi.json", "--format=json"];
  const { status, stdout } = spawnSync("npx", args, OPTIONS);
  const { problems } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as { problems: unknown[] };
  expect({ status, problems }).toEqual({ status: 0, problems: [] });
});

test("the types that openapi-typescript generates from openapi.json compile", () => {
  const types = join(temporaryDirectory(), "openapi.ts");
  execFileSync("npx", ["openapi-typescript", "schemas/openapi.json", "-o", types], OPTIONS);
  expect(readFileSync(types, "utf8")).toContain("HistoryPageEnvelope");
  const { stdout } = spawnSync("npx", ["tsc", "--noEmit", "--strict", "--ignoreConfig", types], OPTIONS);
  expect(stdout).toBe("");
});

test("the compiled service serves the committed files, 304 while they are unchanged, and nothing else", async () => {
  const { url } = await ServiceProcess.start();
  for (const name of SCHEMA_FILES) {
    const answer = await fetch(`${url}/schemas/${name}`);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    expect(await answer.text()).toBe(committed(name));
    const etag = answer.headers.get("etag") ?? "";
    const headers = { "If-None-Match": etag, "Cache-Control": "max-age=0" }; // or fetch adds no-cache
    expect((await fetch(`${url}/schemas/${name}`, { headers })).status).toBe(304);
  }
  for (const name of ["", "nothing.json", "generate/main.ts", "..%2fpackage.json"])
    expect((await fetch(`${url}/schemas/${name}`)).status).toBe(404);
});
