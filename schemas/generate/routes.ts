import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { HISTORY_ROUTE } from "./historyRoute";
import { answered, refusal, type HttpExample, type Route } from "./route";
import { envelope } from "./sampleValues";

/*
 * What each path answers. A new path: a row here, with an example of each of its answers; a test compares the
 * table with what Express serves, and plays every example against the server.
 */

const METRICS_TOKEN = "an-example-of-a-token";
const ENGINE_IO = "/socket.io/";
const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const ELSEWHERE = "https://elsewhere.example";

export const ROUTES: readonly Route[] = [
  {
    path: "/",
    operationId: "getSignOfLife",
    tag: "operations",
    summary: "A sign of life",
    answer: { description: "The text OK.", contentType: "text/plain" },
    refusals: [],
    examples: [answered("ok", "/", "OK")],
  },
  {
    path: "/rooms",
    operationId: "getRooms",
    tag: "chat",
    summary: "The rooms of this deployment",
    answer: {
      description: "In the order in which to show them.",
      contentType: "application/json",
      shape: "RoomListEnvelope",
    },
    refusals: ["internal"],
    examples: [
      answered("rooms", "/rooms", envelope({ chatRooms: DEFAULT_ROOMS })),
      refusal("internal", "/rooms", { given: { circumstance: "fault" } }),
    ],
  },
  HISTORY_ROUTE,
  ...files("page", "text/html", [
    ["/chat", "getChatPage", "The chat page; CHAT_PAGE=off removes it", '<html lang="en">'],
  ]),
  ...files("page", "text/css", [["/chat/chat.css", "getChatStyle", "Its style", ":root"]]),
  ...files("page", "text/javascript", [["/chat/chat.js", "getChatScript", "Its script", "new_message"]]),
  ...files("documents", "application/json", [
    ["/schemas/payloads.json", "getPayloads", "What clients may send, as JSON Schema", { $schema: DRAFT_07 }],
    ["/schemas/asyncapi.json", "getAsyncApi", "The events of the chat, as AsyncAPI", { asyncapi: "3.0.0" }],
    ["/schemas/openapi.json", "getOpenApi", "This document", { openapi: "3.1.0" }],
  ]),
  {
    path: "/healthz",
    operationId: "getHealth",
    tag: "operations",
    summary: "Whether the process lives",
    answer: { description: "It does.", contentType: "application/json", shape: "HealthEnvelope" },
    refusals: [],
    examples: [answered("ok", "/healthz", envelope({ status: "ok" }))],
  },
  {
    path: "/readyz",
    operationId: "getReadiness",
    tag: "operations",
    summary: "Whether to send clients here",
    answer: { description: "They are welcome.", contentType: "application/json", shape: "HealthEnvelope" },
    refusals: ["notReady"],
    examples: [
      answered("ready", "/readyz", envelope({ status: "ready" })),
      refusal("notReady", "/readyz", { given: { circumstance: "starting" } }, [
        "starting",
        "message log: not open",
      ]),
    ],
  },
  {
    path: "/metrics",
    operationId: "getMetrics",
    tag: "operations",
    summary: "What was counted, as Prometheus reads it",
    description: "Only when METRICS_TOKEN is set; without it there is no such path.",
    security: ["metricsToken"],
    answer: { description: "The metrics.", contentType: "text/plain" },
    refusals: ["unauthorized", "notFound"],
    examples: [
      answered(
        "metrics",
        "/metrics",
        "# TYPE chat_messages_accepted_total counter\nchat_messages_accepted_total 0\n",
        {
          given: { settings: { METRICS_TOKEN } },
          request: { method: "GET", path: "/metrics", headers: { Authorization: `Bearer ${METRICS_TOKEN}` } },
          isExcerpt: true,
        },
      ),
      refusal("unauthorized", "/metrics", { given: { settings: { METRICS_TOKEN } } }),
      refusal("notFound", "/metrics"),
    ],
  },

  {
    path: "/socket.io/",
    operationId: "openConnection",
    tag: "transport",
    summary: "Where Engine.IO opens a connection: clients do it for you, and asyncapi.json has the rest",
    parameters: [
      {
        name: "EIO",
        in: "query",
        required: true,
        description: "The generation.",
        schema: { enum: ["3", "4"] },
      },
      {
        name: "transport",
        in: "query",
        required: true,
        description: "How to go on; `websocket` takes an upgrade.",
        schema: { enum: ["polling", "websocket"] },
      },
    ],
    answer: { description: "The first packet of Engine.IO.", contentType: "text/plain" },
    refusals: ["badRequest", "notReady", "tooManyConnections"],
    examples: [
      answered("polling", `${ENGINE_IO}?EIO=4&transport=polling`, '"upgrades":["websocket"]', {
        isExcerpt: true,
      }),
      refusal("badRequest", `${ENGINE_IO}?EIO=2&transport=polling`),
      refusal("notReady", `${ENGINE_IO}?EIO=4&transport=polling`, { given: { circumstance: "starting" } }),
      refusal("tooManyConnections", `${ENGINE_IO}?EIO=4&transport=polling`, {
        given: { settings: { MAX_CONNECTIONS: "1" }, clients: 1 },
      }),
    ],
  },
];

/** What every path has: pages from elsewhere may not ask, and who asks otherwise is told how. */
export function refusedEverywhere({ path, examples, tag }: Route): HttpExample[] {
  const url = examples[0]?.request.path ?? path;
  const elsewhere = { request: { method: "GET", path: url, headers: { Origin: ELSEWHERE } } };
  const settings = examples[0]?.given?.settings;
  const given = settings && { given: { settings } };
  return [
    refusal("originNotAllowed", url, { ...elsewhere, ...given }),
    // Engine.IO has its own answer to other methods, in its own words.
    ...(tag === "transport" ? [] : [refusal("methodNotAllowed", url, { request: { method: "POST", path: url }, ...given })]), // prettier-ignore
  ];
}

type FileRow = [path: string, operationId: string, summary: string, excerpt: unknown];

/** Paths that always answer with the same file, of which the excerpt is a part. */
function files(tag: Route["tag"], contentType: string, rows: FileRow[]): Route[] {
  return rows.map(([path, operationId, summary, excerpt]) => ({
    ...{ path, operationId, tag, summary, refusals: [] },
    answer: { description: "The file.", contentType },
    examples: [
      answered("file", path, excerpt, { isExcerpt: true }),
      ...(tag === "page" ? [refusal("notFound", path, { given: { settings: { CHAT_PAGE: "off" } } })] : []),
    ],
  }));
}
