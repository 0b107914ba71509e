import type { EVENTS } from "../../src/protocol/events";
import { type ClientToServerEvents, type ServerToClientEvents } from "../../src/protocol/events";
import type { ErrorEnvelope } from "../../src/protocol/refusals";
import type { RefusalKey } from "./refusals";
import type { NameOf } from "./shapes";

/*
 * What the types do not say of an event. A new event: its name in EVENTS, its type in the event maps, both in
 * src/protocol/events.ts, its shapes in shapes.ts, a row here (without one this file does not compile) and a
 * dialogue that shows it (without one the tests fail).
 */

/** `base`: every client hears it or may send it. `extension`: it takes a client that asks for it. */
export type Layer = "base" | "extension";

type Events = typeof EVENTS;
type Name<Key extends keyof Events> = Events[Key];

export type ClientEventKey = {
  [Key in keyof Events]: Name<Key> extends keyof ClientToServerEvents ? Key : never;
}[keyof Events];
export type ServerEventKey = Exclude<keyof Events, ClientEventKey>;

export type PayloadOf<Key extends ClientEventKey> = Parameters<ClientToServerEvents[Name<Key>]>[0];
type AckOf<Key extends ClientEventKey> = NonNullable<Parameters<ClientToServerEvents[Name<Key>]>[1]>;
export type ReceiptOf<Key extends ClientEventKey> = Exclude<Parameters<AckOf<Key>>[0], ErrorEnvelope>;
export type HeardOf<Key extends ServerEventKey> = Parameters<ServerToClientEvents[Name<Key>]>[0];
export type RoomEventName = `/${string}`;
export type RoomMessage = Parameters<ServerToClientEvents[RoomEventName]>[0];

interface Row {
  layer: Layer;
  summary: string;
  description: string;
}

export interface ClientRow<Payload extends string = string, Receipt extends string = string> extends Row {
  payload: Payload;
  /** What an ack gets when nothing is refused. */
  receipt: Receipt;
  /** The refusal of a payload that fails its schema. */
  invalid: RefusalKey;
  /** What else may be refused, to the ack or as `server_error`. */
  refusals: readonly RefusalKey[];
  /** What may be refused only to an ack. */
  ackRefusals?: readonly RefusalKey[];
}

export interface ServerRow<Payload extends string = string> extends Row {
  payload: Payload;
}

type ClientRows = { [Key in ClientEventKey]: ClientRow<NameOf<PayloadOf<Key>>, NameOf<ReceiptOf<Key>>> };
type ServerRows = { [Key in ServerEventKey]: ServerRow<NameOf<HeardOf<Key>>> };

const ANY_EVENT: readonly RefusalKey[] = [
  ...(["unknownRoom", "tooManyRequests", "notAllowed", "unauthorized", "internal"] as const),
];

export const CLIENT_EVENTS: ClientRows = {
  newMessage: {
    layer: "base",
    summary: "Says something in a room",
    description:
      "Goes to every connected client, the sender included, as an event named like the room. With an ack it is " +
      "answered once the message is stored, and username, room and uuid are an idempotency key: the same message " +
      "again gets the first one's receipt, with `duplicate: true`, and is not broadcast again.",
    payload: "NewMessage",
    receipt: "MessageReceiptEnvelope",
    invalid: "messageNotValid",
    refusals: [...ANY_EVENT, "messageNotStored"],
    ackRefusals: ["uuidAlreadyUsed"],
  },
  newPresenceInformation: {
    layer: "base",
    summary: "Tells who the client is and in which room",
    description:
      "When the room is another one than before, every connected client hears of it. For the room a client is in " +
      "already, username and avatar are updated silently.",
    payload: "NewPresenceInformation",
    receipt: "PresenceInformationEnvelope",
    invalid: "userInfoNotValid",
    refusals: ANY_EVENT,
  },
  newTypingInformation: {
    layer: "extension",
    summary: "Tells that somebody begins or stops to write",
    description: "Goes to the other clients that asked for it. Best effort, never stored.",
    payload: "NewTypingInformation",
    receipt: "NothingEnvelope",
    invalid: "typingInfoNotValid",
    refusals: ANY_EVENT,
  },
};

export const SERVER_EVENTS: ServerRows = {
  presenceInformation: {
    layer: "base",
    summary: "Who is in which room",
    description:
      "To every connected client, when somebody's room changed or somebody who had one left. Nothing is sent on " +
      "connecting. Where there is no bandwidth for one event per change, changes coalesce; the last state is always sent.",
    payload: "PresenceInformationEnvelope",
  },
  presenceState: {
    layer: "extension",
    summary: "Who is in which room, once",
    description: 'To a client that connected with `presence: "diff"`, before any `presence_diff`.',
    payload: "PresenceStateEnvelope",
  },
  presenceDiff: {
    layer: "extension",
    summary: "Who came to which room, and who left which",
    description:
      'To the clients that connected with `presence: "diff"`, instead of `presence_information`: all changes since ' +
      "the last one.",
    payload: "PresenceDiffEnvelope",
  },
  typingInformation: {
    layer: "extension",
    summary: "Somebody begins or stops to write",
    description:
      "To the other clients that connected with `typing: true`. Who vanishes while writing is said to have stopped.",
    payload: "TypingInformationEnvelope",
  },
  resumed: {
    layer: "extension",
    summary: "The replay is over",
    description:
      "Once after each connecting with `resume`, behind the messages that were replayed and before the first live one. " +
      "Where a room has `recovered: false` nothing was replayed, and the client reads history instead.",
    payload: "ResumedEnvelope",
  },
  serverError: {
    layer: "base",
    summary: "Something the client sent was refused",
    description: "To that client alone, unless it passed a callback, which then gets the refusal instead.",
    payload: "ErrorEnvelope",
  },
};

/** The event that is named like a room; each room of the deployment has one. */
export const ROOM_EVENT: ServerRow<NameOf<RoomMessage>> = {
  layer: "base",
  summary: "Somebody said something in the room",
  description: "To every connected client, the sender included: every client hears every room.",
  payload: "ChatMessageEnvelope",
};

/** What keeps a client from connecting, as `connect_error`. */
export const HANDSHAKE_REFUSALS: readonly RefusalKey[] = ["handshakeNotValid", "unauthorized", "notReady"];
