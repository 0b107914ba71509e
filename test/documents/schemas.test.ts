import SwaggerParser from "@apidevtools/swagger-parser";
import { Parser } from "@asyncapi/parser";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SCHEMA_FILES } from "../../src/http/schemaRoute";
import { startService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";

const committed = (name: string) => readFileSync(join("schemas", name), "utf8");

test("the committed schemas are what `npm run schemas` makes of the types", () => {
  const fresh = temporaryDirectory();
  execFileSync("npm", ["run", "--silent", "schemas", "--", fresh], { stdio: "pipe" });
  for (const name of SCHEMA_FILES) expect(readFileSync(join(fresh, name), "utf8")).toBe(committed(name));
});

test("asyncapi.json is valid to the parser of the AsyncAPI project", async () => {
  const { document, diagnostics } = await new Parser().parse(committed("asyncapi.json"));
  expect(document?.version()).toBe("3.0.0");
  // 3.1 has nothing that this document needs, and fewer tools that read it.
  expect(diagnostics.filter(({ code }) => code !== "asyncapi-latest-version")).toEqual([]);
});

test("openapi.json is valid to swagger-parser", async () => {
  const document = JSON.parse(committed("openapi.json")) as Parameters<typeof SwaggerParser.validate>[0];
  await expect(SwaggerParser.validate(document)).resolves.toMatchObject({ openapi: "3.1.0" });
});

describe("GET /schemas/", () => {
  test("has the committed files, also of the compiled service, and says when one is still the same", async () => {
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
  });

  test("has nothing else", async () => {
    const { url } = await startService();
    for (const name of ["", "nothing.json", "generate/main.ts", "..%2fpackage.json"]) {
      const answer = await fetch(`${url}/schemas/${name}`);
      const error = { message: "Not found", status: 404, errors: [] };
      expect(await answer.json()).toEqual({ data: null, error });
    }
  });
});
