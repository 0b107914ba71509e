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
  /** True if clients opt in to it; by default every client may send it, or receives it. */
  isExtension?: true;
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

/** Event, or name of the operation → what it is. */
export const OPERATIONS: Record<string, Operation> = {
  connect: {
    description:
      "Opens a connection with its socket. Socket.IO's `connect` tells the client that it succeeded, `connect_error` " +
      "that it did not; the other replies are HTTP answers to requests of Engine.IO. If the server requires tokens, a " +
      "client that cannot send `auth.token` may send the header `Authorization: Bearer` instead. The server closes " +
      "the connection when the token expires.",
    messages: { handshake: "HandshakeAuth" },
    reply: {
      ...connectErrors("handshakeNotValid", "unauthorized", "notReady"),
      ...refusals("badRequest", "originNotAllowed", "tooManyConnections", "notReady"),
    },
    channel: { address: null },
  },
  [EVENTS.newMessage]: {
    description:
      "Sends a message to a room: every connected client receives it, the sender included, as an event named like the " +
      "room. With a callback the server answers once the message is stored, and username, room and uuid are an " +
      "idempotency key: the same message again is answered with the first receipt and `duplicate: true`, and is not " +
      "broadcast again.",
    messages: { new_message: "NewMessage" },
    reply: { "new_message.ack": "MessageReceiptEnvelope", ...MESSAGE, ...refusals("uuidAlreadyUsed") },
  },
  [EVENTS.newPresenceInformation]: {
    description:
      "Announces the user and its room. If the room is another one than before, every connected client receives the " +
      "new presence. In the same room, username and avatar change without an event.",
    messages: { new_presence_information: "NewPresenceInformation" },
    reply: { "new_presence_information.ack": "PresenceInformationEnvelope", ...PRESENCE },
  },
  [EVENTS.newTypingInformation]: {
    description:
      "Announces that the user starts or stops typing, to the other clients that opted in. Best effort, never stored.",
    messages: { new_typing_information: "NewTypingInformation" },
    reply: { "new_typing_information.ack": "NothingEnvelope", ...TYPING },
    isExtension: true,
  },
  unknown_event: {
    description:
      "Any other event. The server refuses it if the client passed a callback, and otherwise ignores it.",
    messages: { unknown_event: "Anything" },
    reply: refusals("unknownEvent"),
    channel: {
      address: "{event}",
      parameters: { event: { description: "A name that no other channel has." } },
    },
  },
  room: {
    description:
      "A message in a room. Every connected client receives the messages of all rooms, its own included.",
    messages: { room: "ChatMessageEnvelope", "room.withOffset": "ChatMessageEnvelope" },
    channel: {
      address: "{room}",
      parameters: {
        room: {
          description: "The name of a room, see `GET /rooms`.",
          examples: DEFAULT_ROOMS.map(({ name }) => name),
        },
      },
    },
  },
  [EVENTS.presenceInformation]: {
    description:
      "Sent to every connected client when the room of a client changes or a client with a room disconnects, but not on " +
      "connecting. If there is no bandwidth for an event per change, changes coalesce; the last state is always sent.",
    messages: { presence_information: "PresenceInformationEnvelope" },
  },
  [EVENTS.presenceState]: {
    description: 'Sent once to a client that connects with `presence: "diff"`, before any `presence_diff`.',
    messages: { presence_state: "PresenceStateEnvelope" },
    isExtension: true,
  },
  [EVENTS.presenceDiff]: {
    description:
      'Sent to clients with `presence: "diff"` instead of `presence_information`: all changes since the last one.',
    messages: { presence_diff: "PresenceDiffEnvelope" },
    isExtension: true,
  },
  [EVENTS.typingInformation]: {
    description:
      "Sent to the other clients with `typing: true`. A client that disconnects while typing stops typing.",
    messages: { typing_information: "TypingInformationEnvelope" },
    isExtension: true,
  },
  [EVENTS.resumed]: {
    description:
      "Sent once on each connecting with `resume`, after the replayed messages and before the first live one. In a " +
      "room with `recovered: false` nothing was replayed, and the client reads history instead.",
    messages: { resumed: "ResumedEnvelope" },
    isExtension: true,
  },
  [EVENTS.serverError]: {
    description:
      "The server refused an event that the client sent without a callback. Sent to that client only.",
    messages: { ...MESSAGE, ...PRESENCE, ...TYPING },
  },
};
