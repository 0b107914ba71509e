import express, { type Express } from "express";
import type { Example } from "../../schemas/generate/routes";
import { REFUSALS } from "../../src/protocol/refusals";
import { EVENTS } from "../../src/protocol/events";
import { startGiven } from "../support/circumstances";
import { AssignedValues, Document } from "../support/documents";
import { TestClient } from "../support/testClient";

type Headers = Record<string, { example: string }>;
type Content = Record<string, { examples: Record<string, Example> }>;

interface Root {
  paths: Record<string, { get: { responses: Record<string, { headers: Headers; content: Content }> } }>;
  components: { schemas: Record<string, { properties?: { message?: { const?: string } } }> };
}

const DOCUMENT = new Document<Root>("openapi.json");
const { paths } = DOCUMENT.root;

const EXAMPLES = Object.entries(paths).flatMap(([path, { get }]) =>
  Object.entries(get.responses).flatMap(([status, { headers = {}, content }]) =>
    Object.entries(content).flatMap(([type, { examples }]) =>
      Object.entries(examples).map(([name, example]) => {
        const schema = ["paths", path, "get", "responses", status, "content", type, "schema"];
        return { path, status, name, type, headers, example, schema };
      }),
    ),
  ),
);

describe("the server answers as in the example", () => {
  test.each(EXAMPLES)("$path $status $name", async ({ name, status, type, headers, example, schema }) => {
    const { "x-request": request, "x-given": given = {}, value } = example;
    const assigned = new AssignedValues(DOCUMENT);
    const url = await startGiven(given);
    for (const { payload, ack } of given.messages ?? []) {
      const [receipt] = await (await TestClient.connect(url)).ask(EVENTS.newMessage, payload);
      expect(receipt).toEqual(assigned.expected(ack, receipt));
    }
    const { path, times = 1, ...init } = request;
    const target = url + assigned.toSend(path);
    for (let i = 1; i < times; i++) await (await fetch(target, init)).text();

    const answer = await fetch(target, init);
    const body: unknown = type === "application/json" ? await answer.json() : await answer.text();
    expect(String(answer.status)).toBe(status);
    expect(answer.headers.get("content-type")?.split(";")[0]).toBe(type);
    for (const [key, { example }] of Object.entries(headers)) expect(answer.headers.get(key)).toBe(example);
    expect(DOCUMENT.violations(schema, body)).toEqual([]);
    const expected = assigned.expected(value, body);
    if (name !== "excerpt") expect(body).toEqual(expected);
    else if (typeof expected === "string") expect(body).toContain(expected);
    else expect(body).toMatchObject(expected as object);
  });
});

describe("openapi.json has", () => {
  test("every path that Express serves, and no other", async () => {
    const all = jest.spyOn(express.application, "all"); // called with every path, on the app
    await startGiven({ settings: { METRICS_TOKEN: "a-token-that-is-hard-to-guess" } });
    const app = all.mock.contexts[0] as Express;
    all.mockRestore();
    const served = app.router.stack.flatMap(({ route }) => route?.path ?? []);
    const expected = new Set(served.map((path) => path.replaceAll(/:(\w+)/g, "{$1}")));
    expect(Object.keys(paths).sort()).toEqual([...expected].sort());
  });

  test("with asyncapi.json every refusal", () => {
    const documents = [DOCUMENT, new Document<Pick<Root, "components">>("asyncapi.json")];
    const schemas = documents.flatMap(({ root }) => Object.values(root.components.schemas));
    const described = new Set(schemas.flatMap(({ properties }) => properties?.message?.const ?? []));
    const known = Object.values(REFUSALS).map(({ message }) => message);
    expect([...described].sort()).toEqual(known.sort());
  });
});
