import { MAX_AVATAR_LENGTH, MAX_USERNAME_LENGTH } from "../../protocol/limits";
import type { Presence } from "../presenceView";

/*
 * What nodes exchange about presence, in Redis and over the node bus. During a rolling upgrade nodes of the version
 * before must be able to read it. All input is checked, because other programs can write to Redis, too.
 */

/* The kinds of messages on the node bus. */
export const PRESENCE_CHANGED = "presence"; // clients of the sender changed; the payload is `formatUpdate`'s
export const NODE_GONE = "presence_gone"; // a node stopped or was swept; the payload is the id of that node
const MAX_ID_LENGTH = 64; // of a client
export type ClientChange = [id: string, presence: string | null]; // presence as text; null: the client left

/** Returns a presence as text: `{"room","order","user":{"username","avatar"}}`. */
export function formatPresence({ room, json, order }: Presence): string {
  return `{"room":${JSON.stringify(room)},"order":${String(order)},"user":${json}}`;
}

/** Parses the text of `formatPresence`. Returns undefined for everything else. */
export function parsePresence(text: unknown): Presence | undefined {
  try {
    const { room, order, user } = JSON.parse(String(text)) as Record<string, unknown>;
    const { username, avatar } = user as Record<string, unknown>;
    if (typeof room !== "string" || !Number.isSafeInteger(order)) return undefined;
    if (!isText(username, MAX_USERNAME_LENGTH) || !isText(avatar, MAX_AVATAR_LENGTH)) return undefined;
    return { room, order: order as number, json: JSON.stringify({ username, avatar }) };
  } catch {
    return undefined;
  }
}

/** Whether the value is text of at most `max` code points. */
function isText(value: unknown, max: number): boolean {
  if (typeof value !== "string" || value.length > 2 * max) return false;
  return value.length <= max || [...value].length <= max;
}

/**
 * Returns the payload of an update. The version of a node grows by 1 with each update, and jumps when it registers.
 * Without `changes`, as after a registration, all clients of the node are to be read from Redis.
 */
export function formatUpdate(version: number, changes?: ClientChange[]): unknown {
  return { number: version, changes };
}

/** Parses the payload of an update. Its changes are still to be parsed, each by `parseChange`. */
export function parseUpdate(payload: unknown): { version: number; changes?: unknown[] } | undefined {
  const { number: version, changes } = (payload ?? {}) as Record<string, unknown>;
  if (typeof version !== "number" || !Number.isSafeInteger(version)) return undefined;
  return Array.isArray(changes) ? { version, changes: changes as unknown[] } : { version };
}

/** Parses a `ClientChange`. An invalid presence is none, as if the client had left. */
export function parseChange(change: unknown): { id: string; presence: Presence | undefined } | undefined {
  const [id, text] = Array.isArray(change) ? (change as unknown[]) : [];
  const isValid = typeof id === "string" && id.length <= MAX_ID_LENGTH;
  return isValid ? { id, presence: parsePresence(text) } : undefined;
}
