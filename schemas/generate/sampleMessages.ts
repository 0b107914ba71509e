import type { ChatMessage, MessageReceipt } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import { COOKING, envelope, offset, timestamp } from "./sampleValues";

export const HELLO: NewMessage = { username: "ana", message: "hello", uuid: "1234", chatRoom: COOKING };
export const HOW: NewMessage = {
  username: "ana",
  message: "how long do you boil an egg?",
  uuid: "0b9c8f2e-9a3d-4c55-9d0e-2f6f2f1f7b10",
  chatRoom: COOKING,
};

export function said(message: NewMessage, second: number) {
  const { message: text, username, chatRoom, uuid } = message;
  return envelope<ChatMessage>({
    message: text,
    username,
    chatRoom,
    uuid,
    serverTimestamp: timestamp(second),
  });
}

export function receipt({ uuid }: NewMessage, position: number, duplicate = false) {
  const serverTimestamp = timestamp(position);
  return envelope<MessageReceipt>({ uuid, serverTimestamp, offset: offset("/cooking", position), duplicate });
}
