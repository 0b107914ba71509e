import type { ChatRoom } from "../protocol/payloads";

/** Rooms go by name; the server puts its own label in. */
export function roomNamed(name: string): ChatRoom {
  return { label: name, name };
}
