import { EVENTS } from "../../src/protocol/events";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { refusalName, type Json, type RefusalKey } from "./typeSchemas";

/*
 * The table that asyncapi.json is made of. A new event needs its name and its types in src/protocol, a row here and a
 * dialogue; without one of them a test fails.
 */

/** The key of a message → the schema of its payload. */
type Messages = Record<string, string>;

export interface Operation {
  description: string;
  messages: Messages;
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
const ROOMS = {
  description: "The name of a room, see `GET /rooms`.",
  examples: DEFAULT_ROOMS.map(({ name }) => name),
};

/** Clients opt in to these. All other events every client may send, or receives. */
export const EXTENSIONS: readonly string[] = [
  EVENTS.newTypingInformation,
  EVENTS.presenceState,
  EVENTS.presenceDiff,
  EVENTS.typingInformation,
  EVENTS.resumed,
];

/** Event, or name of the operation → what it is. */
export const OPERATIONS: Record<string, Operation> = {
  connect: {
    messages: { handshake: "HandshakeAuth" },
    reply: {
      ...connectErrors("handshakeNotValid", "unauthorized", "notReady"),
      ...refusals("badRequest", "originNotAllowed", "tooManyConnections", "notReady"),
    },
    channel: { address: null },
    description:
      "Opens a connection with its socket. Socket.IO's `connect` or `connect_error` tells the client the result; the " +
      "other replies are HTTP answers of Engine.IO. A token may also be in the header `Authorization: Bearer`. The " +
      "server closes the connection when the token expires.",
  },
  [EVENTS.newMessage]: {
    messages: { new_message: "NewMessage" },
    reply: { "new_message.ack": "MessageReceiptEnvelope", ...MESSAGE, ...refusals("uuidAlreadyUsed") },
    description:
      "Sends a message to a room: every connected client receives it, the sender included, as an event named like the " +
      "room. A callback is answered once the message is stored. With a callback, username, room and uuid are an " +
      "idempotency key: a repeated message has the first receipt with `duplicate: true`, and is not broadcast.",
  },
  [EVENTS.newPresenceInformation]: {
    messages: { new_presence_information: "NewPresenceInformation" },
    reply: { "new_presence_information.ack": "PresenceInformationEnvelope", ...PRESENCE },
    description:
      "Announces the user and its room. If the room is another one than before, every connected client receives the " +
      "new presence. In the same room, username and avatar change without an event.",
  },
  [EVENTS.newTypingInformation]: {
    messages: { new_typing_information: "NewTypingInformation" },
    reply: { "new_typing_information.ack": "NothingEnvelope", ...TYPING },
    description: "Announces that the user starts or stops typing. Best effort, never stored.",
  },
  unknown_event: {
    messages: { unknown_event: "Anything" },
    reply: refusals("unknownEvent"),
    channel: { address: "{event}", parameters: { event: { description: "The name of no other channel." } } },
    description: "Any other event. The server refuses it if the client passed a callback, else ignores it.",
  },
  room: {
    messages: { room: "ChatMessageEnvelope", "room.withOffset": "ChatMessageEnvelope" },
    channel: { address: "{room}", parameters: { room: ROOMS } },
    description: "A message. Every connected client receives those of all rooms, its own included.",
  },
  [EVENTS.presenceInformation]: {
    messages: { presence_information: "PresenceInformationEnvelope" },
    description:
      "Sent to every connected client when the room of a client changes or a client with a room disconnects, but not on " +
      "connecting. If there is no bandwidth for an event per change, changes coalesce; the last state is always sent.",
  },
  [EVENTS.presenceState]: {
    messages: { presence_state: "PresenceStateEnvelope" },
    description: 'Sent once to a client that connects with `presence: "diff"`, before any `presence_diff`.',
  },
  [EVENTS.presenceDiff]: {
    messages: { presence_diff: "PresenceDiffEnvelope" },
    description:
      "Sent instead of `presence_information` to clients that opted in: all changes since the last one.",
  },
  [EVENTS.typingInformation]: {
    messages: { typing_information: "TypingInformationEnvelope" },
    description: "Sent to the other clients with `typing: true`. A client that disconnects stops typing.",
  },
  [EVENTS.resumed]: {
    messages: { resumed: "ResumedEnvelope" },
    description:
      "Sent once on each connecting with `resume`, after the replayed messages and before the first live one. In a " +
      "room with `recovered: false` nothing was replayed, and the client reads history instead.",
  },
  [EVENTS.serverError]: {
    messages: { ...MESSAGE, ...PRESENCE, ...TYPING },
    description: "The refusal of an event that the client sent without a callback. Sent to that client only.",
  },
};
