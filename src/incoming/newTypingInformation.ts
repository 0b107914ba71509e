import { authorize } from "../access/identity";
import { validateNewTypingInformation } from "../protocol/validation";
import type { EventHandler } from "./eventHandler";
import type { RateLimit } from "../access/rateLimit";
import type { Rooms } from "../protocol/rooms";
import type { TypingClients } from "../delivery/typingClients";

/** `new_typing_information`: relayed to the others that asked for it, best effort, never stored. */
export function newTypingInformation(
  limit: RateLimit,
  { rooms, typing }: { rooms: Rooms; typing: TypingClients },
): EventHandler<Record<string, never>> {
  return {
    limit,
    handle: (payload, { identity, conn }) => {
      const { username, chatRoom, isTyping } = validateNewTypingInformation(payload);
      const room = rooms.get(chatRoom.name);
      authorize(identity, username, room.name);
      // It may have left since it sent this; then nobody would say that it stopped.
      if (conn.readyState === "open") typing.update(conn, { username, chatRoom: room, isTyping });
      return {};
    },
  };
}
