import type { NewMessage } from "../../src/protocol/payloads";
import { broadcast, envelope, type Shown } from "./samples";

/** Conditions that no request can cause. */
export const CIRCUMSTANCES = {
  fullDisk: "The disk that holds the messages is full.",
  fault: "The server has a fault: looking up its rooms throws.",
  starting: "The message log is not open yet.",
  lateTimer: "Tokens expire, but the timer that closes their connections is late.",
} as const;

/** What an example requires before it starts. */
export interface Given {
  /** Environment variables of the server that differ from the default. */
  settings?: Record<string, string>;
  circumstance?: keyof typeof CIRCUMSTANCES;
  /** Messages that were sent before, with the data of their acks. */
  messages?: { payload: NewMessage; ack: unknown }[];
}

export type Step = { client: string } & (
  | { connects: Shown | null; refused?: Shown }
  /** An HTTP request to `/socket.io/` with this query. */
  | { requests: string; headers?: Record<string, string>; refused: Shown }
  /** No `message`: the payload is not valid. No `ack`: the client passes no callback. */
  | { sends: string; message?: string; payload: unknown; times?: number; ack?: Shown }
  | ({ receives: string } & Shown)
  | { tokenExpires: true }
  | { disconnects: true }
);

/** What clients send and receive, in this order; they receive nothing else. The tests play it against the server. */
export interface Dialogue extends Given {
  name: string;
  summary: string;
  steps: Step[];
}

export function dialogue(name: string, summary: string, steps: Step[][]): Dialogue {
  return dialogueGiven({}, name, summary, steps);
}

export function dialogueGiven(given: Given, name: string, summary: string, steps: Step[][]): Dialogue {
  return { name, summary, ...given, steps: steps.flat() };
}

/** Writes the steps of one client, or of several that do the same. */
export function client(...names: string[]) {
  const steps = (step: object) => names.map((client) => ({ client, ...step }) as Step);
  return {
    connects: (payload?: object) => steps({ connects: payload ? { message: "handshake", payload } : null }),
    failsToConnect: (payload: object, refused: Shown) =>
      steps({ connects: { message: "handshake", payload }, refused }),
    failsToOpen: (requests: string, refused: Shown, headers?: object) =>
      steps({ requests, headers, refused }),
    sends: (event: string, payload: unknown, ack?: Shown) =>
      steps({ sends: event, message: event, payload, ack }),
    sendsUnknown: (ack?: Shown) =>
      steps({ sends: "no_such_event", message: "unknown_event", payload: {}, ack }),
    sendsInvalid: (event: string, ack?: Shown, times?: number) =>
      steps({ sends: event, payload: {}, times, ack }),
    receives: (event: string, data: unknown) =>
      steps({ receives: event, message: event, payload: envelope(data) }),
    receivesMessage: (message: NewMessage, position: number, offset?: string) =>
      steps({ receives: message.chatRoom.name, ...broadcast(message, position, offset) }),
    receivesRefusal: (refusal: Shown) => steps({ receives: "server_error", ...refusal }),
    tokenExpires: () => steps({ tokenExpires: true }),
    disconnects: () => steps({ disconnects: true }),
  };
}
