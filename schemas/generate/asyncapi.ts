import { loadConfig } from "../../src/config";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { DIALOGUES } from "./dialogues";
import { ASSIGNED_BY_SERVER, CIRCUMSTANCES } from "./dialogue";
import { componentsOf, ref, refusalName, type Json, type RefusalKey } from "./typeSchemas";

const DESCRIPTION = `The events of the chat, from the server's side: it \`receive\`s what clients send, and \`send\`s what they receive.

- The address of a channel is the name of a Socket.IO event in the namespace \`/\`. An event has one argument, the payload
  of the message. The header \`offset\` stands for a second argument, for clients that opted in to resuming.
- The \`reply\` of an operation is what the callback receives that the client passed as the last argument (Socket.IO's
  acknowledgement). It is called exactly once. Without a callback a refusal is sent as \`server_error\` instead.
- All clients speak \`base\`, with socket.io-client 2.x and 4.x alike. Clients opt in to each \`extension\`.
- An example belongs to the dialogue of the same name in \`x-dialogues\`, which shows all steps of it in order.`;

const SERVER = {
  host: "{host}",
  pathname: "/socket.io/",
  protocol: "ws",
  description:
    "Socket.IO over websocket or HTTP long polling: Engine.IO 4, or 3 for clients of generation 2.",
  variables: { host: { default: `localhost:${String(loadConfig({}).port)}` } },
};

const OFFSET = { type: "object", properties: { offset: ref("Offset") }, required: ["offset"] };
const WITH_OFFSET = {
  summary: "For clients that opted in to resuming",
  headers: { title: "RoomEventHeaders", ...OFFSET },
  "x-socketio-arguments": ["$message.payload", "$message.header#/offset"],
};

/** The key of a message → the schema of its payload. */
type Messages = Record<string, string>;

interface Operation {
  description: string;
  /** By default one message, named like the event, whose schema has the same name in PascalCase. */
  messages?: Messages;
  /** What the callback of a client's event receives; absent for the events that the server sends. */
  reply?: Messages;
  /** By default the address of the channel is the name of the operation. */
  channel?: Json;
}

const refusals = (...keys: RefusalKey[]): Messages =>
  Object.fromEntries(keys.map((key) => [`refusal.${key}`, refusalName(key)]));
const connectErrors = (...keys: RefusalKey[]): Messages =>
  Object.fromEntries(keys.map((key) => [`connect_error.${key}`, refusalName(key, "ConnectError")]));

const ANY_EVENT = refusals("unknownRoom", "tooManyRequests", "notAllowed", "unauthorized", "internal");
const MESSAGE = { ...refusals("messageNotValid", "messageNotStored"), ...ANY_EVENT };
const PRESENCE = { ...refusals("userInfoNotValid"), ...ANY_EVENT };
const TYPING = { ...refusals("typingInfoNotValid"), ...ANY_EVENT };
const [NAMES, ANY] = [DEFAULT_ROOMS.map(({ name }) => name), "The name of no other channel."];

/** Clients opt in to these. All other events every client may send, or receives. */
const EXTENSIONS = "new_typing_information presence_state presence_diff typing_information resumed".split(
  " ",
);

/**
 * Event, or name of the operation → what it is. A new event needs its name and its types in src/protocol, a row here and
 * a dialogue; without one of them a test fails.
 */
const OPERATIONS: Record<string, Operation> = {
  connect: {
    messages: { handshake: "HandshakeAuth" },
    reply: {
      ...connectErrors("handshakeNotValid", "unauthorized", "notReady"),
      ...refusals("badRequest", "originNotAllowed", "tooManyConnections", "notReady"),
    },
    channel: { address: null },
    description:
      "Opens a connection, which closes when its token expires. The token may also be in the header `Authorization: " +
      "Bearer`. The result is `connect` or `connect_error`; the other replies are HTTP answers of Engine.IO.",
  },
  new_message: {
    reply: { "new_message.ack": "MessageReceiptEnvelope", ...MESSAGE, ...refusals("uuidAlreadyUsed") },
    description:
      "Sends a message to a room: every connected client receives it, the sender included, as an event named like the " +
      "room. A callback is answered once the message is stored. With a callback, username, room and uuid are an " +
      "idempotency key: a repeated message has the first receipt with `duplicate: true`, and is not broadcast.",
  },
  new_presence_information: {
    reply: { "new_presence_information.ack": "PresenceInformationEnvelope", ...PRESENCE },
    description:
      "Announces the user and its room. A new room is sent to all clients, a new name or avatar is not.",
  },
  new_typing_information: {
    reply: { "new_typing_information.ack": "NothingEnvelope", ...TYPING },
    description: "Announces that the user starts or stops typing. Best effort, never stored.",
  },
  unknown_event: {
    messages: { unknown_event: "Anything" },
    reply: refusals("unknownEvent"),
    channel: { address: "{event}", parameters: { event: { description: ANY } } },
    description: "Any other event. The server refuses it if the client passed a callback, else ignores it.",
  },
  room: {
    messages: { room: "ChatMessageEnvelope", "room.withOffset": "ChatMessageEnvelope" },
    channel: {
      address: "{room}",
      parameters: { room: { description: "See `GET /rooms`.", examples: NAMES } },
    },
    description: "A message. Every connected client receives those of all rooms, its own included.",
  },
  presence_information: {
    description:
      "Sent to every connected client when the room of a client changes or a client with a room disconnects, but not on " +
      "connecting. If there is no bandwidth for an event per change, changes coalesce; the last state is always sent.",
  },
  presence_state: {
    description: 'Sent once to clients with `presence: "diff"`, before any `presence_diff`.',
  },
  presence_diff: { description: "The changes since the last one, instead of `presence_information`." },
  typing_information: {
    description: "Sent to the other clients with `typing: true`, also on disconnecting.",
  },
  resumed: {
    description:
      "Sent once on each connecting with `resume`, after the replayed messages and before the first live one. In a " +
      "room with `recovered: false` nothing was replayed, and the client reads history instead.",
  },
  server_error: {
    messages: { ...MESSAGE, ...PRESENCE, ...TYPING },
    description: "The refusal of an event that the client sent without a callback. Sent to that client only.",
  },
};

function messagesOf(event: string, { messages, reply }: Operation): Messages {
  const type = event.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return messages ?? { [event]: reply ? type : `${type}Envelope` };
}

/** Returns asyncapi.json. `info`: what both documents have. */
export function asyncApi(info: Json, schemas: Record<string, Json>): Json {
  const messages = allMessages();
  return {
    asyncapi: "3.0.0",
    info: { ...info, description: DESCRIPTION, tags: [{ name: "base" }, { name: "extension" }] },
    defaultContentType: "application/json",
    servers: { chat: SERVER },
    ...channelsAndOperations(),
    components: { messages, schemas: componentsOf(messages, schemas) },
    "x-assigned-by-server": ASSIGNED_BY_SERVER,
    "x-circumstances": CIRCUMSTANCES,
    "x-dialogues": DIALOGUES,
  };
}

/** An operation has all messages of its channel, and its reply those of another one. */
function channelsAndOperations() {
  const [channels, operations]: [Json, Json] = [{}, {}];
  const refs = (of: Messages) =>
    Object.fromEntries(Object.keys(of).map((key) => [key, { $ref: `#/components/messages/${key}` }]));
  for (const [id, row] of Object.entries(OPERATIONS)) {
    // Code generators name types after channels: the ending keeps these apart from the types of messages.
    channels[`${id}_channel`] = { address: id, ...row.channel, messages: refs(messagesOf(id, row)) };
    if (row.reply) channels[`${id}_reply`] = { address: null, messages: refs(row.reply) };
    operations[id] = {
      action: row.reply ? "receive" : "send",
      description: row.description,
      tags: [{ name: EXTENSIONS.includes(id) ? "extension" : "base" }],
      channel: { $ref: `#/channels/${id}_channel` },
      reply: row.reply && { channel: { $ref: `#/channels/${id}_reply` } },
    };
  }
  return { channels, operations };
}

/** Returns each message with its examples: what the dialogues show of it, without repetitions. */
function allMessages(): Record<string, Json> {
  const messages: Record<string, Json & { examples: Json[] }> = {};
  for (const [id, row] of Object.entries(OPERATIONS))
    for (const [name, schema] of Object.entries({ ...messagesOf(id, row), ...row.reply })) {
      const more = name === "room.withOffset" ? WITH_OFFSET : {};
      messages[name] = { name, ...more, payload: ref(schema), examples: [] };
    }
  const known = new Set<string>();
  for (const { name, summary, steps } of DIALOGUES)
    for (const shown of steps.flatMap((step) => [step, step.answer])) {
      const { message = "", payload, headers } = shown ?? {};
      const content = JSON.stringify([message, payload, headers]);
      if (!known.has(content)) messages[message]?.examples.push({ name, summary, headers, payload });
      known.add(content);
    }
  return messages;
}
