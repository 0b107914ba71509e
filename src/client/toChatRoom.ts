import type { ChatRoom } from "../protocol/payloads";

/** Only the name decides which room is meant; the server sends its own label. */
export function toChatRoom(name: string): ChatRoom {
  return { label: name, name };
}
