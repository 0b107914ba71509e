import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from "../../src/protocol/limits";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { envelope, HELLO, offset, receipt, refused, stored } from "./dialogue";
import { token, WITH_TOKENS, WITHOUT_KEYS, type Given } from "./dialogue";
import { ref, type Json, type RefusalKey } from "./typeSchemas";

/* A new path needs a row here, with an example of each answer. The tests play every example against the server. */

export interface Example {
  value: unknown;
  /** It is sent `times` times; only the last answer counts. */
  "x-request": { method: string; path: string; headers?: Record<string, string>; times?: number };
  "x-given"?: Given;
}

/** An example of an answer; what its request and condition have in common with the others of the route is left out. */
interface Row extends Partial<Example["x-request"]> {
  name: string;
  /** Absent if the request succeeds. */
  refusal?: RefusalKey;
  value: unknown;
  given?: Given;
}

export interface Route {
  path: string;
  /** The operation of OpenAPI, without its responses. */
  operation: Json & { summary: string };
  /** The answer to a request that succeeds: the schema of a JSON body, or the content type of a text. */
  answer: Json | string;
  rows: Row[];
  given?: Given;
}

const succeeds = (name: string, value: unknown, more: Partial<Row> = {}): Row => ({ name, value, ...more });
const fails = (refusal: RefusalKey, details: Partial<Row> = {}, errors: string[] = []): Row => {
  return { name: refusal, refusal, value: refused(refusal, errors).payload, ...details };
};

/** Each route refuses pages of other origins, and methods that it does not have. */
const ANY_ROUTE = [
  fails("originNotAllowed", { headers: { Origin: "https://elsewhere.example" } }),
  fails("methodNotAllowed", { method: "POST" }),
];

type Head = [path: string, operationId: string, tag: string, summary: string];
function route(head: Head, answer: Json | string, rows: Row[], more?: Json, given?: Given): Route {
  const [path, operationId, tag, summary] = head;
  const operation = { operationId, tags: [tag], summary, ...more };
  return { path, operation, answer, rows: [...rows, ...ANY_ROUTE], given };
}

function page(path: string, id: string, contentType: string, summary: string, part: string): Route {
  const removed = fails("notFound", { given: { settings: { CHAT_PAGE: "off" } } });
  return route([path, id, "page", summary], contentType, [succeeds("excerpt", part), removed]);
}

function documentFile(path: string, id: string, summary: string, part: object): Route {
  return route([path, id, "documents", summary], { type: "object" }, [succeeds("excerpt", part)]);
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const withRoom = (room: string) => ({ given: WITH_TOKENS, ...bearer(token({ sub: "ana", rooms: [room] })) });
const FAULT: Partial<Row> = { given: { circumstance: "fault" } };
const STARTING: Partial<Row> = { given: { circumstance: "starting" } };
const METRICS_TOKEN = "an-example-of-a-token";
const METRICS = "\nchat_messages_accepted_total 0\n";

const SLOW: Given = { settings: { HISTORY_PER_SECOND: "1", HISTORY_BURST: "10" } };
const HISTORY = "/rooms/cooking/messages";
const at = (position: number) => offset("/cooking", position);
const SENT = [1, 2, 3].map((n) => ({ ...HELLO, message: `${String(n)} eggs`, uuid: String(n) }));
const [ONE, TWO, THREE] = SENT.map((sent, i) => ({ ...stored(sent, i + 1), offset: at(i + 1) }));
const messages = SENT.map((payload, i) => ({ payload, ack: receipt(payload, i + 1).payload }));
const pageOf = (...[messages, before, after]: unknown[]) => envelope({ messages, before, after });
const ofThree = (query: string): Partial<Row> => ({ path: `${HISTORY}?${query}`, given: { messages } });

const LIMIT = { type: "integer", minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT };
const ROOM = { name: "room", in: "path", required: true, schema: { type: "string" }, example: "cooking" };
function query(name: string, description: string, schema: Json): Json {
  return { name, in: "query", description, schema };
}

export const ROUTES: readonly Route[] = [
  route(["/", "getSignOfLife", "operations", "The text OK"], "text/plain", [succeeds("ok", "OK")]),
  route(["/rooms", "getRooms", "chat", "The rooms of this deployment"], ref("RoomListEnvelope"), [
    succeeds("rooms", envelope({ chatRooms: DEFAULT_ROOMS })),
    fails("internal", FAULT),
  ]),
  route(
    ["/rooms/{room}/messages", "getMessages", "chat", "The messages of a room, one page per request"],
    ref("HistoryPageEnvelope"),
    [
      succeeds("newest", pageOf([TWO, THREE], at(2), null), ofThree("limit=2")),
      succeeds("before", pageOf([ONE], null, at(1)), ofThree(`before=${at(2)}`)),
      succeeds("after", pageOf([TWO], at(2), at(2)), ofThree(`limit=1&after=${at(1)}`)),
      succeeds("empty", pageOf([], null, null), withRoom("/cooking")),
      fails("badPage", { path: `${HISTORY}?limit=${String(MAX_PAGE_LIMIT + 1)}` }),
      fails("unknownOffset", { path: `${HISTORY}?before=000000000000-1` }),
      fails("badRequest", { path: "/rooms/%E0%A4%A/messages" }),
      fails("unknownRoom", { path: "/rooms/nowhere/messages" }),
      fails("tooManyRequests", { given: SLOW, times: 11 }),
      fails("historyNotReadable", STARTING),
      fails("unauthorized", { given: WITH_TOKENS }),
      fails("notAllowed", withRoom("/money")),
      fails("notReady", { given: WITHOUT_KEYS, ...bearer(token({ sub: "ana" }, "RS256")) }),
      fails("internal", FAULT),
    ],
    {
      description: "Requires a token if the server requires tokens of clients.",
      security: [{}, { token: [] }],
      parameters: [
        { ...ROOM, description: "The name of the room without its leading `/`." },
        query(
          "limit",
          "The page has at most this number of messages. It ends at about 512 KB, so it may have fewer.",
          LIMIT,
        ),
        query("before", "The page ends before this offset. By default it is the newest.", ref("Offset")),
        query("after", "The page begins after this offset. Not together with `before`.", ref("Offset")),
      ],
    },
  ),
  page("/chat", "getChatPage", "text/html", "The chat page; CHAT_PAGE=off removes it", '<html lang="en">'),
  page("/chat/chat.css", "getChatStyle", "text/css", "The style of the chat page", ":root"),
  page("/chat/chat.js", "getChatScript", "text/javascript", "The script of the chat page", "new_message"),
  documentFile("/schemas/payloads.json", "getPayloads", "What clients send", { definitions: {} }),
  documentFile("/schemas/asyncapi.json", "getAsyncApi", "The events", { asyncapi: "3.0.0" }),
  documentFile("/schemas/openapi.json", "getOpenApi", "This document", { openapi: "3.1.0" }),
  route(["/healthz", "getHealth", "operations", "Whether the process is alive"], ref("HealthEnvelope"), [
    succeeds("ok", envelope({ status: "ok" })),
  ]),
  route(["/readyz", "getReadiness", "operations", "Whether it accepts clients"], ref("HealthEnvelope"), [
    succeeds("ready", envelope({ status: "ready" })),
    fails("notReady", STARTING, ["starting", "message log: not open"]),
  ]),
  route(
    ["/metrics", "getMetrics", "operations", "Metrics in Prometheus' text format, if METRICS_TOKEN is set"],
    "text/plain",
    [
      succeeds("excerpt", METRICS, bearer(METRICS_TOKEN)),
      fails("unauthorized"),
      fails("notFound", { given: {} }),
    ],
    { security: [{ metricsToken: [] }] },
    { settings: { METRICS_TOKEN } },
  ),
];
