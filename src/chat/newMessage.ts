import type { ChatMessage, MessageReceipt } from "../protocol/events";
import { validateNewMessage } from "../protocol/validate";
import { packetOf, type Audience } from "./fanOut";
import type { IncomingEvent } from "./incomingEvent";
import type { RateLimit } from "./rateLimit";
import type { Rooms } from "./rooms";

/** `new_message`: every client hears it, the sender included, as the event named like its room. */
export function newMessage(
  limit: RateLimit,
  { rooms, everybody }: { rooms: Rooms; everybody: Audience },
): IncomingEvent<MessageReceipt> {
  return {
    limit,
    handle: (payload) => {
      const { message, username, chatRoom, uuid } = validateNewMessage(payload);
      const room = rooms.get(chatRoom.name);
      const serverTimestamp = new Date().toISOString();
      const data: ChatMessage = { message, username, chatRoom: room, uuid, serverTimestamp };
      everybody.publish(packetOf(room.name, JSON.stringify({ data, error: null })));
      return { uuid, serverTimestamp };
    },
  };
}
