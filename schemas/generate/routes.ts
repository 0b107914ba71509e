import type { HistoricalMessage } from "../../src/protocol/events";
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
  name: string;
  /** Only the answer to the last of `times` requests counts. */
  request: { method: string; path: string; headers?: Record<string, string>; times?: number };
  given?: Given;
  /** Absent if the request succeeds. */
  refusal?: RefusalKey;
  body: unknown;
  /** The answer is longer than the example: a longer text, or an object with more keys. */
  isExcerpt?: boolean;
}

export interface Route {
  path: string;
  /** The fields of OpenAPI's operation. */
  operation: { operationId: string; tags: string[]; summary: string; parameters?: Json[]; security?: Json[] };
  contentType: string;
  schema: Json;
  examples: Example[];
}

type Details = Partial<Example["request"]> & Pick<Example, "given" | "isExcerpt">;

function succeeds(name: string, path: string, body: unknown, details: Details = {}): Example {
  const { given, isExcerpt, ...request } = details;
  return { name, request: { method: "GET", path, ...request }, given, body, isExcerpt };
}

function fails(refusal: RefusalKey, path: string, details: Details = {}, errors: string[] = []): Example {
  return { ...succeeds(refusal, path, refused(refusal, errors).payload, details), refusal };
}

/** A route without parameters. Its `path` must be the path of the requests in its examples. */
function route(
  path: string,
  id: string,
  tag: string,
  summary: string,
  answer: Answer,
  examples: Example[],
): Route {
  return { path, operation: { operationId: id, tags: [tag], summary }, ...answer, examples };
}

type Answer = Pick<Route, "contentType" | "schema">;

const text = (contentType: string): Answer => ({ contentType, schema: { type: "string" } });
const json = (schema: Json): Answer => ({ contentType: "application/json", schema });
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

function pageFile(path: string, id: string, summary: string, contentType: string, excerpt: string): Route {
  const withoutPage = { given: { settings: { CHAT_PAGE: "off" } } };
  const examples = [
    succeeds("file", path, excerpt, { isExcerpt: true }),
    fails("notFound", path, withoutPage),
  ];
  return route(path, id, "page", summary, text(contentType), examples);
}

function documentFile(path: string, id: string, summary: string, excerpt: object): Route {
  const example = succeeds("file", path, excerpt, { isExcerpt: true });
  return route(path, id, "documents", summary, json({ type: "object" }), [example]);
}

const METRICS_TOKEN = "an-example-of-a-token";
const WITH_METRICS: Given = { settings: { METRICS_TOKEN } };
const METRICS = "# TYPE chat_messages_accepted_total counter\nchat_messages_accepted_total 0\n";

const HISTORY = "/rooms/cooking/messages";
const NUMBERED = [1, 2, 3].map((n) => ({ ...HELLO, message: `${String(n)} eggs`, uuid: String(n) }));
const WITH_THREE: Given = {
  messages: NUMBERED.map((payload, i) => ({ payload, ack: receipt(payload, i + 1).payload })),
};
const STORED = NUMBERED.map((message, i): HistoricalMessage => {
  return { ...message, serverTimestamp: timestamp(i + 1), offset: offset("/cooking", i + 1) };
});

function page(messages: HistoricalMessage[], before: number | null, after: number | null) {
  const at = (position: number | null) => (position === null ? null : offset("/cooking", position));
  return envelope({ messages, before: at(before), after: at(after) });
}

function query(name: string, description: string, schema: Json): Json {
  return { name, in: "query", description, schema };
}

const LIMIT = { type: "integer", minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT };
const ROOM = { name: "room", in: "path", required: true, schema: { type: "string" }, example: "cooking" };

const HISTORY_ROUTE: Route = {
  path: "/rooms/{room}/messages",
  operation: {
    operationId: "getMessages",
    tags: ["chat"],
    summary:
      "The messages of a room, one page per request. Requires a token if the server requires tokens of clients.",
    security: [{}, { token: [] }],
    parameters: [
      { ...ROOM, description: "The name of the room without its leading `/`." },
      query("limit", "The page has at most this number of messages.", LIMIT),
      query(
        "before",
        "The page ends before this offset. Without `before` and `after` it is the newest.",
        ref("Offset"),
      ),
      query("after", "The page begins after this offset. Not together with `before`.", ref("Offset")),
    ],
  },
  ...json(ref("HistoryPageEnvelope")),
  examples: [
    succeeds("newest", `${HISTORY}?limit=2`, page(STORED.slice(1), 2, null), { given: WITH_THREE }),
    succeeds("before", `${HISTORY}?before=${offset("/cooking", 2)}`, page(STORED.slice(0, 1), null, 1), {
      given: WITH_THREE,
    }),
    succeeds("after", `${HISTORY}?limit=1&after=${offset("/cooking", 1)}`, page(STORED.slice(1, 2), 2, 2), {
      given: WITH_THREE,
    }),
    succeeds("empty", HISTORY, page([], null, null)),
    succeeds("token", HISTORY, page([], null, null), {
      given: WITH_TOKENS,
      ...bearer(token({ sub: "ana", rooms: ["/cooking"] })),
    }),
    fails("badPage", `${HISTORY}?limit=${String(MAX_PAGE_LIMIT + 1)}`),
    fails("unknownOffset", `${HISTORY}?before=000000000000-1`),
    fails("badRequest", "/rooms/%E0%A4%A/messages"),
    fails("unknownRoom", "/rooms/nowhere/messages"),
    fails("tooManyRequests", HISTORY, {
      given: { settings: { HISTORY_PER_SECOND: "1", HISTORY_BURST: "10" } },
      times: 11,
    }),
    fails("historyNotReadable", HISTORY, { given: { circumstance: "starting" } }),
    fails("unauthorized", HISTORY, { given: WITH_TOKENS }),
    fails("notAllowed", HISTORY, { given: WITH_TOKENS, ...bearer(token({ sub: "ana", rooms: ["/money"] })) }),
    fails("notReady", HISTORY, { given: WITHOUT_KEYS, ...bearer(token({ sub: "ana" }, "RS256")) }),
    fails("internal", HISTORY, { given: { circumstance: "fault" } }),
  ],
};

const METRICS_ROUTE = route(
  "/metrics",
  "getMetrics",
  "operations",
  "Metrics in Prometheus' text format, if METRICS_TOKEN is set",
  text("text/plain"),
  [
    succeeds("metrics", "/metrics", METRICS, {
      given: WITH_METRICS,
      ...bearer(METRICS_TOKEN),
      isExcerpt: true,
    }),
    fails("unauthorized", "/metrics", { given: WITH_METRICS }),
    fails("notFound", "/metrics"),
  ],
);

const ALL_ROUTES: Route[] = [
  route("/", "getSignOfLife", "operations", "The text OK", text("text/plain"), [succeeds("ok", "/", "OK")]),
  route("/rooms", "getRooms", "chat", "The rooms of this deployment", json(ref("RoomListEnvelope")), [
    succeeds("rooms", "/rooms", envelope({ chatRooms: DEFAULT_ROOMS })),
    fails("internal", "/rooms", { given: { circumstance: "fault" } }),
  ]),
  HISTORY_ROUTE,
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
    $schema: "http://json-schema.org/draft-07/schema#",
  }),
  documentFile("/schemas/asyncapi.json", "getAsyncApi", "The events, as AsyncAPI", { asyncapi: "3.0.0" }),
  documentFile("/schemas/openapi.json", "getOpenApi", "This document", { openapi: "3.1.0" }),
  route("/healthz", "getHealth", "operations", "Whether the process is alive", json(ref("HealthEnvelope")), [
    succeeds("ok", "/healthz", envelope({ status: "ok" })),
  ]),
  route("/readyz", "getReadiness", "operations", "Whether it accepts clients", json(ref("HealthEnvelope")), [
    succeeds("ready", "/readyz", envelope({ status: "ready" })),
    fails("notReady", "/readyz", { given: { circumstance: "starting" } }, [
      "starting",
      "message log: not open",
    ]),
  ]),
  { ...METRICS_ROUTE, operation: { ...METRICS_ROUTE.operation, security: [{ metricsToken: [] }] } },
];

/** All routes. Each refuses pages of other origins, and methods that it does not have. */
export const ROUTES: readonly Route[] = ALL_ROUTES.map((route) => {
  const path = route.path.replace("{room}", "cooking");
  const given = path === "/metrics" ? WITH_METRICS : undefined;
  const origin = fails("originNotAllowed", path, { given, headers: { Origin: "https://elsewhere.example" } });
  const method = fails("methodNotAllowed", path, { given, method: "POST" });
  return { ...route, examples: [...route.examples, origin, method] };
});
