import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from "../../src/protocol/limits";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import type { Given } from "./dialogue";
import {
  envelope,
  HELLO,
  offset,
  receipt,
  refused,
  timestamp,
  token,
  WITH_TOKENS,
  WITHOUT_KEYS,
} from "./samples";
import { ref, type Json, type RefusalKey } from "./typeSchemas";

/*
 * The table that openapi.json is made of. A new path needs a row here, with an example of each answer. The tests
 * compare the table with the routes of Express, and play every example against the server.
 */

export interface Example {
  value: unknown;
  /** Only the answer to the last of `times` requests counts. */
  "x-request": { method: string; path: string; headers?: Record<string, string>; times?: number };
  "x-given"?: Given;
  /** The answer is longer than the example: a longer text, or an object with more keys. */
  "x-excerpt"?: boolean;
}

export interface Route {
  path: string;
  /** The operation of OpenAPI, without its responses. */
  operation: Json & { summary: string };
  /** The answer to a request that succeeds. */
  contentType: string;
  schema: Json;
  /** `refusal`: absent if the request succeeds. */
  examples: { name: string; refusal?: RefusalKey; example: Example }[];
}

type Answer = Pick<Route, "contentType" | "schema">;
type Details = Partial<Example["x-request"]> & { given?: Given; isExcerpt?: boolean };

const text = (contentType: string): Answer => ({ contentType, schema: { type: "string" } });
const json = (schema: Json): Answer => ({ contentType: "application/json", schema });

function succeeds(
  name: string,
  path: string,
  value: unknown,
  { given, isExcerpt, ...request }: Details = {},
) {
  const content = { value, "x-given": given, "x-excerpt": isExcerpt };
  return { name, example: { ...content, "x-request": { method: "GET", path, ...request } } };
}

function fails(refusal: RefusalKey, path: string, details: Details = {}, errors: string[] = []) {
  return { ...succeeds(refusal, path, refused(refusal, errors).payload, details), refusal };
}

function route(
  [path, operationId, tag, summary]: [path: string, operationId: string, tag: string, summary: string],
  answer: Answer,
  examples: Route["examples"],
  more: Json = {},
): Route {
  return { path, operation: { operationId, tags: [tag], summary, ...more }, ...answer, examples };
}

function pageFile(
  path: string,
  operationId: string,
  summary: string,
  contentType: string,
  excerpt: string,
): Route {
  const removed = fails("notFound", path, { given: { settings: { CHAT_PAGE: "off" } } });
  const examples = [succeeds("file", path, excerpt, { isExcerpt: true }), removed];
  return route([path, operationId, "page", summary], text(contentType), examples);
}

function documentFile(path: string, operationId: string, summary: string, excerpt: object): Route {
  const example = succeeds("file", path, excerpt, { isExcerpt: true });
  return route([path, operationId, "documents", summary], json({ type: "object" }), [example]);
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const withRoom = (room: string) => ({ given: WITH_TOKENS, ...bearer(token({ sub: "ana", rooms: [room] })) });
const FAULT: Details = { given: { circumstance: "fault" } };
const STARTING: Details = { given: { circumstance: "starting" } };
const METRICS_TOKEN = "an-example-of-a-token";
const WITH_METRICS: Details = { given: { settings: { METRICS_TOKEN } } };
const METRICS = "# TYPE chat_messages_accepted_total counter\nchat_messages_accepted_total 0\n";

const SLOW: Given = { settings: { HISTORY_PER_SECOND: "1", HISTORY_BURST: "10" } };
const HISTORY = "/rooms/cooking/messages";
const [FIRST, SECOND] = [offset("/cooking", 1), offset("/cooking", 2)];
const SENT = [1, 2, 3].map((n) => ({ ...HELLO, message: `${String(n)} eggs`, uuid: String(n) }));
const WITH_SENT: Details = {
  given: { messages: SENT.map((payload, i) => ({ payload, ack: receipt(payload, i + 1).payload })) },
};
const STORED = SENT.map((message, i) => {
  return { ...message, serverTimestamp: timestamp(i + 1), offset: offset("/cooking", i + 1) };
});
const page = (messages: unknown[], before: string | null, after: string | null) =>
  envelope({ messages, before, after });
const EMPTY_PAGE = page([], null, null);

const LIMIT = { type: "integer", minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT };
const ROOM = { name: "room", in: "path", required: true, schema: { type: "string" }, example: "cooking" };

function query(name: string, description: string, schema: Json): Json {
  return { name, in: "query", description, schema };
}

const ALL_ROUTES: Route[] = [
  route(["/", "getSignOfLife", "operations", "The text OK"], text("text/plain"), [succeeds("ok", "/", "OK")]),
  route(["/rooms", "getRooms", "chat", "The rooms of this deployment"], json(ref("RoomListEnvelope")), [
    succeeds("rooms", "/rooms", envelope({ chatRooms: DEFAULT_ROOMS })),
    fails("internal", "/rooms", FAULT),
  ]),
  route(
    ["/rooms/{room}/messages", "getMessages", "chat", "The messages of a room, one page per request"],
    json(ref("HistoryPageEnvelope")),
    [
      succeeds("newest", `${HISTORY}?limit=2`, page(STORED.slice(1), SECOND, null), WITH_SENT),
      succeeds("before", `${HISTORY}?before=${SECOND}`, page(STORED.slice(0, 1), null, FIRST), WITH_SENT),
      succeeds("after", `${HISTORY}?limit=1&after=${FIRST}`, page([STORED[1]], SECOND, SECOND), WITH_SENT),
      succeeds("empty", HISTORY, EMPTY_PAGE),
      succeeds("token", HISTORY, EMPTY_PAGE, withRoom("/cooking")),
      fails("badPage", `${HISTORY}?limit=${String(MAX_PAGE_LIMIT + 1)}`),
      fails("unknownOffset", `${HISTORY}?before=000000000000-1`),
      fails("badRequest", "/rooms/%E0%A4%A/messages"),
      fails("unknownRoom", "/rooms/nowhere/messages"),
      fails("tooManyRequests", HISTORY, { given: SLOW, times: 11 }),
      fails("historyNotReadable", HISTORY, STARTING),
      fails("unauthorized", HISTORY, { given: WITH_TOKENS }),
      fails("notAllowed", HISTORY, withRoom("/money")),
      fails("notReady", HISTORY, { given: WITHOUT_KEYS, ...bearer(token({ sub: "ana" }, "RS256")) }),
      fails("internal", HISTORY, FAULT),
    ],
    {
      description: "Requires a token if the server requires tokens of clients.",
      security: [{}, { token: [] }],
      parameters: [
        { ...ROOM, description: "The name of the room without its leading `/`." },
        query("limit", "The page has at most this number of messages.", LIMIT),
        query("before", "The page ends before this offset. By default it is the newest.", ref("Offset")),
        query("after", "The page begins after this offset. Not together with `before`.", ref("Offset")),
      ],
    },
  ),
  pageFile(
    "/chat",
    "getChatPage",
    "The chat page; CHAT_PAGE=off removes it",
    "text/html",
    '<html lang="en">',
  ),
  pageFile("/chat/chat.css", "getChatStyle", "The style of the chat page", "text/css", ":root"),
  pageFile("/chat/chat.js", "getChatScript", "The script of the chat page", "text/javascript", "new_message"),
  documentFile("/schemas/payloads.json", "getPayloads", "What clients send, as JSON Schema", {
    definitions: {},
  }),
  documentFile("/schemas/asyncapi.json", "getAsyncApi", "The events, as AsyncAPI", { asyncapi: "3.0.0" }),
  documentFile("/schemas/openapi.json", "getOpenApi", "This document", { openapi: "3.1.0" }),
  route(
    ["/healthz", "getHealth", "operations", "Whether the process is alive"],
    json(ref("HealthEnvelope")),
    [succeeds("ok", "/healthz", envelope({ status: "ok" }))],
  ),
  route(
    ["/readyz", "getReadiness", "operations", "Whether it accepts clients"],
    json(ref("HealthEnvelope")),
    [
      succeeds("ready", "/readyz", envelope({ status: "ready" })),
      fails("notReady", "/readyz", STARTING, ["starting", "message log: not open"]),
    ],
  ),
  route(
    ["/metrics", "getMetrics", "operations", "Metrics in Prometheus' text format, if METRICS_TOKEN is set"],
    text("text/plain"),
    [
      succeeds("metrics", "/metrics", METRICS, {
        ...WITH_METRICS,
        ...bearer(METRICS_TOKEN),
        isExcerpt: true,
      }),
      fails("unauthorized", "/metrics", WITH_METRICS),
      fails("notFound", "/metrics"),
    ],
    { security: [{ metricsToken: [] }] },
  ),
];

/** All routes. Each refuses pages of other origins, and methods that it does not have. */
export const ROUTES: readonly Route[] = ALL_ROUTES.map((route) => {
  const path = route.path.replace("{room}", "cooking");
  const given = path === "/metrics" ? WITH_METRICS : {};
  const origin = fails("originNotAllowed", path, {
    ...given,
    headers: { Origin: "https://elsewhere.example" },
  });
  const method = fails("methodNotAllowed", path, { ...given, method: "POST" });
  return { ...route, examples: [...route.examples, origin, method] };
});
