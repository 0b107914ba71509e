import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from "../../src/protocol/limits";
import type { HistoricalMessage, MessageReceipt } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import { schemaRef } from "./json";
import { answered, refusal, type Given, type Parameter, type Route } from "./route";
import { COOKING, envelope, offset, timestamp, token, WITH_TOKENS, WITHOUT_KEYS } from "./sampleValues";

const HISTORY = "/rooms/cooking/messages";

function sent(position: number): { payload: NewMessage; ack: unknown; kept: HistoricalMessage } {
  const payload = {
    username: "ana",
    message: `${String(position)} eggs`,
    uuid: String(position),
    chatRoom: COOKING,
  };
  const assigned = { serverTimestamp: timestamp(position), offset: offset("/cooking", position) };
  const receipt: MessageReceipt = { uuid: payload.uuid, duplicate: false, ...assigned };
  return { payload, ack: envelope(receipt), kept: { ...payload, ...assigned } };
}

const [first, second, third] = [sent(1), sent(2), sent(3)];
const THREE_MESSAGES: Given = {
  messages: [first, second, third].map(({ payload, ack }) => ({ payload, ack })),
};

function page(messages: HistoricalMessage[], before: number | null, after: number | null) {
  const place = (position: number | null) => (position === null ? null : offset("/cooking", position));
  return envelope({ messages, before: place(before), after: place(after) });
}

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

const HISTORY_PARAMETERS: Parameter[] = [
  {
    name: "room",
    in: "path",
    required: true,
    description: "The room's name without its leading `/`.",
    schema: { type: "string", examples: DEFAULT_ROOMS.map(({ name }) => name.slice(1)) },
  },
  {
    name: "limit",
    in: "query",
    description: "How many messages at most.",
    schema: { type: "integer", minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT },
  },
  {
    name: "before",
    in: "query",
    description:
      "The page that ends before this offset; not together with `after`. With neither, the newest.",
    schema: schemaRef("Offset"),
  },
  {
    name: "after",
    in: "query",
    description: "The page that begins behind this offset.",
    schema: schemaRef("Offset"),
  },
];

export const HISTORY_ROUTE: Route = {
  path: "/rooms/:room/messages",
  operationId: "getMessages",
  tag: "chat",
  summary: "What was said in a room, a page at a time",
  description: "Takes a token where the server asks clients for one.",
  security: ["", "token"],
  parameters: HISTORY_PARAMETERS,
  answer: {
    description: "Oldest first; `before` and `after` are what to pass for the page on that side.",
    contentType: "application/json",
    shape: "HistoryPageEnvelope",
  },
  refusals: [
    ...(["badPage", "unknownOffset", "badRequest", "unknownRoom"] as const),
    ...(["tooManyRequests", "historyNotReadable", "internal"] as const),
    ...(["unauthorized", "notAllowed", "notReady"] as const),
  ],
  examples: [
    answered("newest", `${HISTORY}?limit=2`, page([second.kept, third.kept], 2, null), {
      given: THREE_MESSAGES,
    }),
    answered("before", `${HISTORY}?before=${offset("/cooking", 2)}`, page([first.kept], null, 1), { given: THREE_MESSAGES }), // prettier-ignore
    answered("after", `${HISTORY}?limit=1&after=${offset("/cooking", 1)}`, page([second.kept], 2, 2), { given: THREE_MESSAGES }), // prettier-ignore
    answered("silence", HISTORY, page([], null, null)),
    answered("token", HISTORY, page([], null, null), {
      given: { settings: WITH_TOKENS },
      request: { method: "GET", path: HISTORY, headers: bearer(token({ sub: "ana", rooms: ["/cooking"] })) },
    }),
    refusal("badPage", `${HISTORY}?limit=${String(MAX_PAGE_LIMIT + 1)}`),
    refusal("unknownOffset", `${HISTORY}?before=000000000000-1`),
    refusal("badRequest", "/rooms/%E0%A4%A/messages"),
    refusal("unknownRoom", "/rooms/nowhere/messages"),
    refusal("tooManyRequests", HISTORY, {
      given: { settings: { HISTORY_PER_SECOND: "1", HISTORY_BURST: "10" } },
      request: { method: "GET", path: HISTORY, times: 11 },
    }),
    refusal("historyNotReadable", HISTORY, { given: { circumstance: "starting" } }),
    refusal("unauthorized", HISTORY, { given: { settings: WITH_TOKENS } }),
    refusal("notAllowed", HISTORY, {
      given: { settings: WITH_TOKENS },
      request: { method: "GET", path: HISTORY, headers: bearer(token({ sub: "ana", rooms: ["/money"] })) },
    }),
    refusal("notReady", HISTORY, {
      given: { settings: WITHOUT_KEYS },
      request: { method: "GET", path: HISTORY, headers: bearer(token({ sub: "ana" }, "RS256")) },
    }),
    refusal("internal", HISTORY, { given: { circumstance: "fault" } }),
  ],
};
