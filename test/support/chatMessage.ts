import type { ChatMessage } from "../../src/protocol/events";
import { COOKING } from "./rooms";

/** A message with that text, as the service hands it to the log. */
export function chatMessage(text: string, overrides: Partial<ChatMessage> = {}): ChatMessage {
  const serverTimestamp = new Date().toISOString();
  return {
    message: text,
    username: "ana",
    chatRoom: COOKING,
    uuid: `uuid of ${text}`,
    serverTimestamp,
    ...overrides,
  };
}
