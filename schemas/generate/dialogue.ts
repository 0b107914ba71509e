import { EVENTS } from "../../src/protocol/events";
import type { HandshakeAuth, Offset } from "../../src/protocol/payloads";
import type { ErrorEnvelope } from "../../src/protocol/refusals";
import type {
  ClientEventKey,
  HeardOf,
  PayloadOf,
  ReceiptOf,
  RoomEventName,
  RoomMessage,
  ServerEventKey,
} from "./events";
import type { ConnectError } from "../../src/protocol/events";

/** What no request brings about, and how the documents put it. */
export const CIRCUMSTANCES = {
  fullDisk: "The disk on which messages are kept is full.",
  fault: "The server has a fault: looking up its rooms throws.",
  starting: "The message log is not open yet.",
  late: "The token has expired, and the timer that closes its connection is late.",
} as const;

export type Circumstance = keyof typeof CIRCUMSTANCES;

/** What has to be so, for an example to go as written. */
export interface Setting {
  /** The server's environment, where it differs from the default. */
  settings?: Record<string, string>;
  circumstance?: Circumstance;
}

export type Step = { client: string } & (
  | { connects: { auth?: unknown }; refused?: ConnectError }
  | Send
  | { hears: string; payload: unknown; offset?: Offset }
  | { disconnects: true }
);

interface Send {
  sends: string;
  payload: unknown;
  /** False: it does not fit the event's schema. */
  isValid: boolean;
  /** How often; default: once. */
  times?: number;
  /** What the callback gets; without it none is passed. */
  ack?: unknown;
}

/** What clients send and hear, in this order. They hear nothing else, and all of it is played against the server. */
export interface Dialogue extends Setting {
  name: string;
  summary: string;
  steps: Step[];
}

/** A client as the author of a dialogue writes it; what the compiler lets through fits the protocol's types. */
export function client(name: string) {
  return {
    connects: (auth?: HandshakeAuth): Step => ({
      client: name,
      connects: auth === undefined ? {} : { auth },
    }),
    isNotConnected: (auth: unknown, refused: ConnectError): Step => ({
      client: name,
      connects: { auth },
      refused,
    }),
    sends: <Key extends ClientEventKey>(
      key: Key,
      payload: PayloadOf<Key>,
      ack?: ReceiptOf<Key> | ErrorEnvelope,
    ): Step => step(name, { sends: EVENTS[key], payload, isValid: true }, ack),
    sendsInvalid: (key: ClientEventKey, payload: unknown, ack?: ErrorEnvelope, times?: number): Step =>
      step(name, { sends: EVENTS[key], payload, isValid: false, ...(times && { times }) }, ack),
    sendsUnknown: (event: string, payload: unknown, ack?: ErrorEnvelope): Step =>
      step(name, { sends: event, payload, isValid: true }, ack),
    hears: <Key extends ServerEventKey>(key: Key, payload: HeardOf<Key>): Step => ({
      client: name,
      hears: EVENTS[key],
      payload,
    }),
    hearsRoom: (room: RoomEventName, payload: RoomMessage, offset?: Offset): Step => ({
      client: name,
      hears: room,
      payload,
      ...(offset !== undefined && { offset }),
    }),
    disconnects: (): Step => ({ client: name, disconnects: true }),
  };
}

function step(name: string, send: Send, ack: unknown): Step {
  return { client: name, ...send, ...(ack !== undefined && { ack }) };
}
