import type { NewMessage } from "../../src/protocol/payloads";
import { envelope, stored, type Shown } from "./samples";

/** Conditions that no request can cause. */
export const CIRCUMSTANCES = {
  fullDisk: "The disk that holds the messages is full.",
  fault: "The server has a fault: looking up its rooms throws.",
  starting: "The message log is not open yet.",
  lateTimer: "Tokens expire after the client connected, but the timer that closes its connection is late.",
} as const;

/** What an example requires before it starts. */
export interface Given {
  /** Environment variables of the server that differ from the default. */
  settings?: Record<string, string>;
  circumstance?: keyof typeof CIRCUMSTANCES;
  /** Messages that were sent before, with the data of their acks. */
  messages?: { payload: NewMessage; ack: unknown }[];
}

/** `message` is absent if the payload is not valid, and if a client connects without one. */
export interface Step extends Partial<Shown> {
  client: string;
  does: "connect" | "request" | "send" | "receive" | "disconnect";
  /** The event, or the query of an HTTP request to `/socket.io/`. */
  what?: string;
  /** How often it is sent; by default once. */
  times?: number;
  /** The refusal of a connection or request, or what the callback receives; no `answer`: no refusal, no callback. */
  answer?: Shown;
}

/** What clients send and receive, in this order; they receive nothing else. The tests play it against the server. */
export interface Dialogue extends Given {
  name: string;
  summary: string;
  steps: Step[];
}

/** Returns a function that writes a dialogue. */
export function given(condition: Given) {
  return (name: string, summary: string, steps: Step[][]): Dialogue => {
    return { name, summary, ...condition, steps: steps.flat() };
  };
}

/** Writes the steps of one client, or of several that do the same. */
export function client(...names: string[]) {
  const steps = (step: Omit<Step, "client">) => names.map((client): Step => ({ client, ...step }));
  const sends = (event: string, payload: unknown, answer?: Shown, more?: Partial<Step>) =>
    steps({ does: "send", what: event, message: event, payload, answer, ...more });
  return {
    connects: (payload?: object) =>
      steps({ does: "connect", ...(payload && { message: "handshake", payload }) }),
    failsToConnect: (payload: object, answer: Shown) => steps({ does: "connect", payload, answer }),
    failsToOpen: (query: string, answer: Shown, headers?: Record<string, string>) =>
      steps({ does: "request", what: query, headers, answer }),
    sends,
    /** With a callback, then without. */
    isRefused: (event: string, payload: unknown, refusal: Shown, more?: Partial<Step>) => [
      ...sends(event, payload, refusal, more),
      ...sends(event, payload, undefined, more),
      ...steps({ does: "receive", what: "server_error", ...refusal }),
    ],
    receives: (event: string, data: unknown) =>
      steps({ does: "receive", what: event, message: event, payload: envelope(data) }),
    receivesMessage: (sent: NewMessage, position: number, offset?: string) => {
      const shown = { what: sent.chatRoom.name, payload: envelope(stored(sent, position)) };
      if (offset === undefined) return steps({ does: "receive", message: "room", ...shown });
      return steps({ does: "receive", message: "room.withOffset", ...shown, headers: { offset } });
    },
    disconnects: () => steps({ does: "disconnect" }),
  };
}
