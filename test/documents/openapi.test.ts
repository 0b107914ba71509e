import type { Given } from "../../schemas/generate/dialogue";
import type { Example } from "../../schemas/generate/routes";
import { Origins } from "../../src/access/origins";
import { RateLimit } from "../../src/access/rateLimit";
import { Readiness } from "../../src/http/readiness";
import { createHttpApp } from "../../src/http/routes";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { ClientEventLog, createLogger } from "../../src/observability/logger";
import { Metrics } from "../../src/observability/metrics";
import { REFUSALS } from "../../src/protocol/refusals";
import { EVENTS } from "../../src/protocol/events";
import { DEFAULT_ROOMS, Rooms } from "../../src/protocol/rooms";
import { startGiven } from "../support/circumstances";
import { AssignedValues, Document } from "../support/documents";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";

type Headers = Record<string, { example: string }>;
type Content = Record<string, { examples: Record<string, Example> }>;

interface Root {
  paths: Record<string, { get: { responses: Record<string, { headers: Headers; content: Content }> } }>;
  components: { schemas: Record<string, { properties?: Record<string, { const?: string | number }> }> };
}

const DOCUMENT = new Document<Root>("openapi.json");
const { paths } = DOCUMENT.root;

const EXAMPLES = Object.entries(paths).flatMap(([path, { get }]) =>
  Object.entries(get.responses).flatMap(([status, { headers = {}, content }]) =>
    Object.entries(content).flatMap(([type, { examples }]) =>
      Object.entries(examples).map(([name, example]) => {
        const schema = ["paths", path, "get", "responses", status, "content", type, "schema"];
        return { title: `${path} ${status} ${name}`, status, type, headers, example, schema };
      }),
    ),
  ),
);

/** Sends the messages that an example requires. */
async function send(messages: NonNullable<Given["messages"]>, url: string, assigned: AssignedValues) {
  const sender = await TestClient.connect(url);
  for (const { payload, ack } of messages) {
    const [answer] = await sender.ask(EVENTS.newMessage, payload);
    expect(answer).toEqual(assigned.expected(ack, answer));
  }
}

describe("the server answers as in the example", () => {
  test.each(EXAMPLES)("$title", async ({ status, type, headers, example, schema }) => {
    const { "x-request": request, "x-given": given = {}, "x-excerpt": isExcerpt, value } = example;
    const assigned = new AssignedValues(DOCUMENT);
    const url = await startGiven(given);
    if (given.messages) await send(given.messages, url, assigned);
    const { path, times = 1, ...init } = request;
    const target = url + assigned.toSend(path);
    for (let i = 1; i < times; i++) await (await fetch(target, init)).text();

    const answer = await fetch(target, init);
    const body: unknown = type === "application/json" ? await answer.json() : await answer.text();
    expect(String(answer.status)).toBe(status);
    expect(answer.headers.get("content-type")?.split(";")[0]).toBe(type);
    for (const [name, { example }] of Object.entries(headers)) expect(answer.headers.get(name)).toBe(example);
    expect(DOCUMENT.violations(schema, body)).toEqual([]);
    const expected = assigned.expected(value, body);
    if (isExcerpt !== true) expect(body).toEqual(expected);
    else if (typeof expected === "string") expect(body).toContain(expected);
    else expect(body).toMatchObject(expected as object);
  });
});

describe("openapi.json has", () => {
  test("every path that Express serves, and no other", () => {
    const app = createHttpApp({
      rooms: new Rooms(DEFAULT_ROOMS),
      origins: new Origins([]),
      messageLog: new EmbeddedMessageLog({ directory: temporaryDirectory(), maxMessages: 1 }),
      readiness: new Readiness({ failure: undefined }),
      metrics: new Metrics(),
      authenticator: undefined,
      chatPage: true,
      metricsToken: "a-token-that-is-hard-to-guess",
      historyLimit: new RateLimit(0, 1),
      trustProxy: 0,
      log: new ClientEventLog(createLogger("silent")),
    });
    const served = app.router.stack.flatMap(({ route }) => route?.path ?? []);
    const expected = new Set(served.map((path) => path.replaceAll(/:(\w+)/g, "{$1}")));
    expect(Object.keys(paths).sort()).toEqual([...expected].sort());
  });

  test("with asyncapi.json every refusal, with its message and status", () => {
    const schemas = [DOCUMENT, new Document<Pick<Root, "components">>("asyncapi.json")].flatMap(({ root }) =>
      Object.entries(root.components.schemas),
    );
    const described = schemas.flatMap(([name, { properties }]) => {
      const { message, status } = properties ?? {};
      const owner = `${name}Data`; // a `connect_error` has its status in an object of its own
      const code = status ?? schemas.find(([other]) => other === owner)?.[1].properties?.status;
      return message?.const === undefined ? [] : [`${String(code?.const)} ${message.const}`];
    });
    const known = Object.values(REFUSALS).map(({ message, status }) => `${String(status)} ${message}`);
    expect([...new Set(described)].sort()).toEqual(known.sort());
  });
});
