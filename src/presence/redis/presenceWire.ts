import type { Presence } from "../presenceView";

/*
 * What nodes exchange about presence, in Redis and over the node bus. During a rolling upgrade nodes of the version
 * before must be able to read it. All input is checked, because other programs can write to Redis, too.
 */

/* The kinds of messages on the node bus. */
export const PRESENCE_CHANGED = "presence"; // clients of the sender changed; the payload is `formatUpdate`'s
export const NODE_GONE = "presence_gone"; // a node stopped or was swept; the payload is the id of that node
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
    if (typeof room !== "string" || typeof order !== "number") return undefined;
    if (typeof username !== "string" || typeof avatar !== "string") return undefined;
    return { room, order, json: JSON.stringify({ username, avatar }) };
  } catch {
    return undefined;
  }
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
  if (typeof version !== "number") return undefined;
  return Array.isArray(changes) ? { version, changes: changes as unknown[] } : { version };
}

/** Parses a `ClientChange`. An invalid presence is none, as if the client had left. */
export function parseChange(change: unknown): { id: string; presence: Presence | undefined } | undefined {
  const [id, text] = Array.isArray(change) ? (change as unknown[]) : [];
  return typeof id === "string" ? { id, presence: parsePresence(text) } : undefined;
}
