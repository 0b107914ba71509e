import type { Presence } from "../presenceView";

/** A presence as nodes tell it to each other. */
export function formatPresence({ room, json, order }: Presence): string {
  return `{"room":${JSON.stringify(room)},"order":${String(order)},"user":${json}}`;
}

/** Undefined for what is none: others, too, can write to Redis. */
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
