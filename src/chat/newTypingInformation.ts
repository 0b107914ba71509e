import { authorize } from "../auth/identity";
import { validateNewTypingInformation } from "../protocol/validate";
import type { IncomingEvent } from "./incomingEvent";
import type { RateLimit } from "./rateLimit";
import type { Rooms } from "./rooms";
import type { TypingClients } from "./typingClients";

/** `new_typing_information`: relayed to the others that asked for it, best effort, never stored. */
export function newTypingInformation(
  limit: RateLimit,
  { rooms, typing }: { rooms: Rooms; typing: TypingClients },
): IncomingEvent<Record<string, never>> {
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
