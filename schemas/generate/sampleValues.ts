import { createHmac } from "node:crypto";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import type { DataEnvelope, ResumedRoom } from "../../src/protocol/events";
import type { ChatRoom } from "../../src/protocol/payloads";

/*
 * What examples are made of. Under these keys the server puts values of its own, so a server's answer has others
 * than the example; but what is the same in an example is the same in the answer.
 */
export const ASSIGNED_BY_SERVER = ["serverTimestamp", "offset", "before", "after", "id"];

const [cooking, money] = DEFAULT_ROOMS as [ChatRoom, ChatRoom];
export const COOKING = cooking;
export const MONEY = money;
export const NOWHERE: ChatRoom = { label: "Nowhere", name: "/nowhere" };

/** Its `errors` are those of an empty payload for the event's own fields. */
export function missing(...fields: string[]): string[] {
  return fields.map((field) => `should have required property '${field}'`);
}

export function envelope<T>(data: T): DataEnvelope<T> {
  return { data, error: null };
}

/** e.g. `3f0c6b8e51a2-1`; each room has its own first half. */
export function offset(room: string, position: number): string {
  const index = DEFAULT_ROOMS.findIndex(({ name }) => name === room);
  return `3f0c6b8e51a${String(index)}-${String(position)}`;
}

export function timestamp(second: number): string {
  return new Date(Date.UTC(2026, 0, 31, 12, 0, second, 250)).toISOString();
}

/** A value for each room, but for those named in `exceptions` the one that stands there. */
export function perRoom<T>(
  value: (room: string) => T,
  exceptions: Record<string, T> = {},
): Record<string, T> {
  return Object.fromEntries(DEFAULT_ROOMS.map(({ name }) => [name, exceptions[name] ?? value(name)]));
}

/** Nothing was missed in a room where nothing was said. */
export function quiet(room: string): ResumedRoom {
  return { recovered: true, replayed: 0, offset: offset(room, 0) };
}

const JWT_SECRET = "an example of a secret of 32 bytes";
const EXPIRY = Date.UTC(2100, 0) / 1_000;

/** Under these a client has to say who it is, with a `token`. */
export const WITH_TOKENS = { JWT_SECRET };
/** Nobody listens there. */
export const WITHOUT_KEYS = { JWKS_URL: "http://127.0.0.1:1/jwks.json" };

/** A JSON Web Token, always the same for the same claims. */
export function token(claims: { sub: string; rooms?: string[] }, alg = "HS256"): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg, typ: "JWT" })}.${encode({ ...claims, exp: EXPIRY })}`;
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`;
}
