import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { EVENTS } from "../../src/protocol/events";
import { ChatMessages } from "./chatMessages";
import { CIRCUMSTANCES } from "./dialogue";
import { DIALOGUES } from "./dialogues";
import {
  CLIENT_EVENTS,
  HANDSHAKE_REFUSALS,
  ROOM_EVENT,
  SERVER_EVENTS,
  type ClientRow,
  type ServerRow,
} from "./events";
import { about } from "./info";
import { referredTo, schemaRef, type Json } from "./json";
import { connectErrorSchema, refusalSchemas, type RefusalKey } from "./refusals";
import { ASSIGNED_BY_SERVER } from "./sampleValues";
import { DESCRIPTION, SERVER, UPGRADE } from "./socketio";

/** A channel, what is done on it, and the messages of both. */
interface Part {
  channels: Record<string, Json>;
  operations: Record<string, Json>;
}

export function asyncApi(schemas: Record<string, Json>): Json {
  const messages = new ChatMessages(DIALOGUES);
  const parts = [
    handshake(messages),
    ...Object.entries(CLIENT_EVENTS).map(([key, row]) =>
      clientEvent(messages, EVENTS[key as keyof typeof EVENTS], row),
    ),
    unknownEvent(messages),
    roomEvent(messages),
    ...Object.entries(SERVER_EVENTS).map(([key, row]) =>
      serverEvent(messages, EVENTS[key as keyof typeof EVENTS], row),
    ),
  ];
  return {
    asyncapi: "3.0.0",
    info: { ...about(DESCRIPTION), tags: [{ name: "base" }, { name: "extension" }] },
    defaultContentType: "application/json",
    servers: { chat: SERVER },
    channels: Object.assign({}, ...parts.map((part) => part.channels)) as Json,
    operations: Object.assign({}, ...parts.map((part) => part.operations)) as Json,
    components: {
      messages: messages.all,
      schemas: referredTo(messages.all, { ...schemas, ...refusalSchemas() }),
    },
    "x-assigned-by-server": ASSIGNED_BY_SERVER,
    "x-circumstances": CIRCUMSTANCES,
    "x-dialogues": DIALOGUES,
  };
}

function handshake(messages: ChatMessages): Part {
  const auth = messages.add("handshake", {
    title: "The `auth` of the handshake",
    summary:
      "What the client asks for, with the CONNECT packet of Socket.IO; clients of generation 2 cannot send it",
    payload: schemaRef("HandshakeAuth"),
  });
  const errors = HANDSHAKE_REFUSALS.map((key) =>
    messages.add(`connect_error.${key}`, { title: "connect_error", payload: connectErrorSchema(key) }),
  );
  return {
    channels: {
      handshake: channel(null, [auth, ...errors], { title: "Handshake", bindings: { ws: UPGRADE } }),
    },
    operations: {
      connect: {
        action: "receive",
        title: "Connect",
        summary: "Opens the one socket of a connection",
        description:
          "Socket.IO's `connect` tells the client that it is in, the reply that it is not. Where the server asks for " +
          "tokens, clients that cannot send `auth.token` may send the header `Authorization: Bearer` instead. When " +
          "the token expires the connection is closed.",
        tags: [{ name: "base" }],
        channel: { $ref: "#/channels/handshake" },
        messages: refs("handshake", [auth]),
        reply: { channel: { $ref: "#/channels/handshake" }, messages: refs("handshake", errors) },
      },
    },
  };
}

function clientEvent(messages: ChatMessages, event: string, row: ClientRow): Part {
  const { layer, summary, description, payload, receipt, invalid, refusals, ackRefusals = [] } = row;
  const ack = `${event}.ack`;
  const sent = messages.add(event, { title: summary, payload: schemaRef(payload) });
  const replies = [
    messages.add(ack, { title: `Answer to ${event}`, payload: schemaRef(receipt) }),
    ...[invalid, ...refusals, ...ackRefusals].map((key) => refusal(messages, key)),
  ];
  return {
    channels: {
      [event]: channel(event, [sent], { description: summary }),
      [ack]: channel(null, replies, { description: `The callback passed with \`${event}\`.` }),
    },
    operations: {
      [event]: {
        action: "receive",
        summary,
        description,
        tags: [{ name: layer }],
        channel: { $ref: `#/channels/${event}` },
        messages: refs(event, [sent]),
        reply: { channel: { $ref: `#/channels/${ack}` }, messages: refs(ack, replies) },
      },
    },
  };
}

function unknownEvent(messages: ChatMessages): Part {
  const sent = messages.add("unknown_event", { title: "Any event that is not described here", payload: {} });
  const reply = refusal(messages, "unknownEvent");
  const event = { event: { description: "A name that no other channel has." } };
  return {
    channels: {
      unknown_event: channel("{event}", [sent], { parameters: event }),
      "unknown_event.ack": channel(null, [reply], { description: "The callback passed with it." }),
    },
    operations: {
      unknown_event: {
        action: "receive",
        summary: "Is refused, if there is a callback to tell it to",
        tags: [{ name: "base" }],
        channel: { $ref: "#/channels/unknown_event" },
        messages: refs("unknown_event", [sent]),
        reply: {
          channel: { $ref: "#/channels/unknown_event.ack" },
          messages: refs("unknown_event.ack", [reply]),
        },
      },
    },
  };
}

function roomEvent(messages: ChatMessages): Part {
  const payload = schemaRef(ROOM_EVENT.payload);
  const plain = messages.add("room", { title: ROOM_EVENT.summary, tags: [{ name: "base" }], payload });
  const withOffset = messages.add("room.withOffset", {
    title: `${ROOM_EVENT.summary}, for clients that asked to resume`,
    tags: [{ name: "extension" }],
    headers: { type: "object", properties: { offset: schemaRef("Offset") }, required: ["offset"] },
    payload,
    "x-socketio-arguments": ["$message.payload", "$message.header#/offset"],
  });
  const room = {
    description: "The name of a room. A deployment can bring its own list; `GET /rooms` tells it.",
    examples: DEFAULT_ROOMS.map(({ name }) => name),
  };
  return sentByServer("room", "{room}", ROOM_EVENT, [plain, withOffset], { room });
}

function serverEvent(messages: ChatMessages, event: string, row: ServerRow): Part {
  if (event !== EVENTS.serverError) {
    const sent = messages.add(event, { title: row.summary, payload: schemaRef(row.payload) });
    return sentByServer(event, event, row, [sent]);
  }
  const keys = Object.values(CLIENT_EVENTS).flatMap(({ invalid, refusals }) => [invalid, ...refusals]);
  return sentByServer(
    event,
    event,
    row,
    [...new Set(keys)].map((key) => refusal(messages, key)),
  );
}

function sentByServer(id: string, address: string, row: ServerRow, sent: string[], parameters?: Json): Part {
  const { summary, description, layer } = row;
  return {
    channels: { [id]: channel(address, sent, { description: summary, ...(parameters && { parameters }) }) },
    operations: {
      [id]: {
        action: "send",
        summary,
        description,
        tags: [{ name: layer }],
        channel: { $ref: `#/channels/${id}` },
        messages: refs(id, sent),
      },
    },
  };
}

function refusal(messages: ChatMessages, key: RefusalKey): string {
  return messages.add(`refusal.${key}`, { title: key, payload: schemaRef(`Refusal.${key}`) });
}

function channel(address: string | null, messages: string[], more: Json): Json {
  const entries = messages.map((key) => [key, { $ref: `#/components/messages/${key}` }]);
  return { address, ...more, messages: Object.fromEntries(entries) as Json };
}

function refs(channelId: string, messages: string[]): Json[] {
  return messages.map((key) => ({ $ref: `#/channels/${channelId}/messages/${key}` }));
}
