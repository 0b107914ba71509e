import { createHttpApp } from "../../src/http/routes";
import { Origins } from "../../src/access/origins";
import { RateLimit } from "../../src/access/rateLimit";
import { DEFAULT_ROOMS, Rooms } from "../../src/protocol/rooms";
import { REFUSALS } from "../../src/protocol/refusals";
import { ClientEventLog, createLogger } from "../../src/observability/logger";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { Metrics } from "../../src/observability/metrics";
import { EVENTS } from "../../src/protocol/events";
import { Readiness } from "../../src/http/readiness";
import type { Given, HttpExample } from "../../schemas/generate/route";
import { AssignedValues } from "../support/assignedValues";
import { startGiven } from "../support/circumstances";
import { Document, pointerTo, type Json } from "../support/documents";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";

interface Example {
  value: unknown;
  "x-request": HttpExample["request"];
  "x-given"?: Given;
  "x-excerpt"?: boolean;
}

interface Response {
  headers?: Record<string, { example: string }>;
  content: Record<string, { schema: Json; examples: Record<string, Example> }>;
}

interface Root {
  paths: Record<string, { get: { responses: Record<string, Response>; security?: Record<string, []>[] } }>;
  components: { schemas: Record<string, { allOf?: Json[] }>; securitySchemes: Json };
  "x-assigned-by-server": string[];
}

const DOCUMENT = new Document<Root>("openapi.json");
const { paths, components } = DOCUMENT.root;
const ENGINE_IO = "/socket.io/";

/** Every content of every response, with what leads there. */
const CONTENTS = Object.entries(paths).flatMap(([path, { get }]) =>
  Object.entries(get.responses).flatMap(([status, response]) =>
    Object.entries(response.content).map(([type, content]) => ({
      ...{ path, status, type, headers: response.headers ?? {}, ...content },
      pointer: pointerTo("paths", path, "get", "responses", status, "content", type, "schema"),
    })),
  ),
);

const EXAMPLES = CONTENTS.flatMap(({ examples, ...place }) =>
  Object.entries(examples).map(([name, example]) => ({ name, example, ...place })),
);

/** Brings about what an example takes; resolves with the service's URL. */
async function prepare(given: Given, assigned: AssignedValues): Promise<string> {
  const { messages = [], clients = 0 } = given;
  const url = await startGiven(given);
  for (let i = 0; i < clients; i++) await TestClient.connect(url);
  if (messages.length === 0) return url;
  const sender = await TestClient.connect(url);
  for (const { payload, ack } of messages) {
    const [answer] = await sender.ask(EVENTS.newMessage, payload);
    expect(answer).toEqual(assigned.expected(ack, answer));
  }
  return url;
}

async function bodyOf(response: globalThis.Response): Promise<unknown> {
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return isJson ? response.json() : response.text();
}

function expectLike(actual: unknown, expected: unknown, isExcerpt: boolean): void {
  if (!isExcerpt) expect(actual).toEqual(expected);
  else if (typeof expected === "string") expect(actual).toContain(expected);
  else expect(actual).toMatchObject(expected as object);
}

describe("every example goes as openapi.json has it", () => {
  test.each(EXAMPLES.map((it) => [`${it.path} ${it.status} ${it.name}`, it] as const))(
    "%s",
    async (_name, it) => {
      const { example, status, type, headers, pointer } = it;
      const assigned = new AssignedValues(DOCUMENT.root["x-assigned-by-server"]);
      const url = await prepare(example["x-given"] ?? {}, assigned);
      const { path, times = 1, ...init } = example["x-request"];
      const target = `${url}${assigned.toSend(path)}`;
      for (let i = 1; i < times; i++) await (await fetch(target, init)).text();
      const answer = await fetch(target, init);
      const body = await bodyOf(answer);
      expect({ status: String(answer.status), body }).toEqual({ status, body: expect.anything() as unknown });
      expect(answer.headers.get("content-type")?.split(";")[0]).toBe(type);
      expect(DOCUMENT.violations(pointer, body)).toEqual([]);
      expectLike(body, assigned.expected(example.value, body), example["x-excerpt"] ?? false);
      for (const [name, header] of Object.entries(headers))
        expect(answer.headers.get(name)).toBe(header.example);
    },
  );
});

test("openapi.json shows every answer, and each refusal that one may be", () => {
  for (const { path, status, schema, examples } of CONTENTS) {
    const values = Object.values(examples).map(({ value }) => value);
    expect({ path, status, examples: values.length }).not.toMatchObject({ examples: 0 });
    for (const { $ref } of (schema.oneOf ?? []) as { $ref: string }[])
      expect(values.map((value) => DOCUMENT.violations($ref, value))).toContainEqual([]);
  }
});

describe("openapi.json has", () => {
  test("every path that Express serves, and no other but Engine.IO's", () => {
    const app = createHttpApp({
      rooms: new Rooms(DEFAULT_ROOMS),
      origins: new Origins([]),
      messageLog: new EmbeddedMessageLog({ directory: temporaryDirectory(), maxMessages: 1 }),
      readiness: new Readiness({ failure: undefined }),
      metrics: new Metrics(),
      authenticator: undefined,
      chatPage: true,
      metricsToken: "a-token-that-nobody-guesses",
      historyLimit: new RateLimit(0, 1),
      trustProxy: 0,
      log: new ClientEventLog(createLogger("silent")),
    });
    const served = app.router.stack.flatMap(({ route }) => route?.path ?? []);
    const expected = [...new Set(served)].map((path) => path.replaceAll(/:(\w+)/g, "{$1}"));
    expect(Object.keys(paths).sort()).toEqual([...expected, ENGINE_IO].sort());
  });

  test("every security scheme that it names", () => {
    for (const { get } of Object.values(paths))
      for (const requirement of get.security ?? [])
        for (const name of Object.keys(requirement)) expect(components.securitySchemes).toHaveProperty(name);
  });

  test.each(Object.entries(REFUSALS))("with asyncapi.json the refusal %s", (key, { message, status }) => {
    const asyncapi = new Document("asyncapi.json");
    const envelope = (status: number) => ({ data: null, error: { message, status, errors: [] } });
    const connectError = (status: number) => ({ message, data: { status, errors: [] } });
    const schemas = [
      [DOCUMENT, `#/components/schemas/Refusal.${key}`, envelope],
      [asyncapi, `#/components/schemas/Refusal.${key}`, envelope],
      [asyncapi, `#/components/messages/connect_error.${key}/payload`, connectError],
    ] as const;
    const present = schemas.filter(([document, pointer]) => document.has(pointer));
    expect(present.length).toBeGreaterThan(0);
    for (const [document, pointer, body] of present) {
      expect(document.violations(pointer, body(status))).toEqual([]);
      expect(document.violations(pointer, body(status + 1))).not.toEqual([]);
    }
  });
});
