import { createHmac } from "node:crypto";
import type { ChatMessage, DataEnvelope, MessageReceipt } from "../../src/protocol/events";
import type { ChatRoom, NewMessage } from "../../src/protocol/payloads";
import { ChatError, REFUSALS } from "../../src/protocol/refusals";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import type { RefusalKey } from "./typeSchemas";

/** A message of asyncapi.json by its key there, as a dialogue shows it. */
export interface Shown {
  message: string;
  payload: unknown;
  headers?: Record<string, string>;
}

/**
 * Keys whose values the server chooses. An answer of the server has other values there than the example, but two
 * values that are equal in the example are equal in the answer.
 */
export const ASSIGNED_BY_SERVER = ["serverTimestamp", "offset", "before", "after", "id"];

export const [COOKING, MONEY] = DEFAULT_ROOMS as [ChatRoom, ChatRoom];
export const HELLO: NewMessage = { username: "ana", message: "hello", uuid: "1234", chatRoom: COOKING };

export function envelope<T>(data: T): DataEnvelope<T> {
  return { data, error: null };
}

/** The answer to the callback of an event. */
export function acked(event: string, data: unknown): Shown {
  return { message: `${event}.ack`, payload: envelope(data) };
}

export function refused(key: RefusalKey, errors: string[] = []): Shown {
  return { message: `refusal.${key}`, payload: new ChatError(REFUSALS[key], errors).toEnvelope() };
}

export function connectError(key: RefusalKey, errors?: string[]): Shown {
  const { message, status } = REFUSALS[key];
  return { message: `connect_error.${key}`, payload: { message, data: { status, errors } } };
}

/** The message as clients receive it; `position`: its place in the order of its room. */
export function stored({ message, username, chatRoom, uuid }: NewMessage, position: number): ChatMessage {
  return { message, username, chatRoom, uuid, serverTimestamp: timestamp(position) };
}

export function receipt({ uuid, chatRoom }: NewMessage, position: number, duplicate = false): Shown {
  const assigned = { serverTimestamp: timestamp(position), offset: offset(chatRoom.name, position) };
  return acked("new_message", { uuid, ...assigned, duplicate } satisfies MessageReceipt);
}

/** For example `3f0c6b8e51a2-1`; the first part is different for each room. */
export function offset(room: string, position: number): string {
  const index = DEFAULT_ROOMS.findIndex(({ name }) => name === room);
  return `3f0c6b8e51a${String(index)}-${String(position)}`;
}

function timestamp(second: number): string {
  return new Date(Date.UTC(2026, 0, 31, 12, 0, second, 250)).toISOString();
}

/** room name → value, which is the one of `exceptions` where it has one. */
export function perRoom<T>(value: (room: string) => T, exceptions: Record<string, T>): Record<string, T> {
  return Object.fromEntries(DEFAULT_ROOMS.map(({ name }) => [name, exceptions[name] ?? value(name)]));
}

const JWT_SECRET = "an example of a secret of 32 bytes";
const EXPIRY = Date.UTC(2100, 0) / 1_000;

/** With this setting a client needs a `token`. */
export const WITH_TOKENS = { settings: { JWT_SECRET } };
export const WITHOUT_KEYS = { settings: { JWKS_URL: "http://127.0.0.1:1/jwks.json" } }; // no server listens there

/** A JSON Web Token; the same claims always give the same token. */
export function token(claims: { sub: string; rooms?: string[] }, alg = "HS256"): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg, typ: "JWT" })}.${encode({ ...claims, exp: EXPIRY })}`;
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`;
}

/** Conditions that no request can cause. */
export const CIRCUMSTANCES = {
  fullDisk: "The message log cannot store messages, as with a full disk.",
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
  /** How often it is sent with a callback; by default once. */
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
    connects: (payload?: object) => steps({ does: "connect", message: payload && "handshake", payload }),
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
      const more = offset === undefined ? {} : { message: "room.withOffset", headers: { offset } };
      const payload = envelope(stored(sent, position));
      return steps({ does: "receive", what: sent.chatRoom.name, message: "room", payload, ...more });
    },
    disconnects: () => steps({ does: "disconnect" }),
  };
}
