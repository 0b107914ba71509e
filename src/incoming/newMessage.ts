import { authorize } from "../access/identity";
import { ChatError, REFUSALS } from "../protocol/refusals";
import { KeyReusedError, StoreError, type MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../observability/metrics";
import type { ChatMessage, MessageReceipt } from "../protocol/events";
import { validateNewMessage } from "../protocol/validation";
import type { EventHandler } from "./eventHandler";
import type { RateLimit } from "../access/rateLimit";
import type { Rooms } from "../protocol/rooms";

/**
 * `new_message`: goes into the log, which delivers it to every client, the sender included. For senders who
 * want an ack the uuid is an idempotency key, so that they can try again.
 */
export function newMessage(
  limit: RateLimit,
  { rooms, log, metrics }: { rooms: Rooms; log: MessageLog; metrics: Metrics },
): EventHandler<MessageReceipt> {
  return {
    limit,
    handle: async (payload, { identity, wantsAck }) => {
      const { message, username, chatRoom, uuid } = validateNewMessage(payload);
      const room = rooms.get(chatRoom.name);
      authorize(identity, username, room.name);
      const serverTimestamp = new Date().toISOString();
      const stored: ChatMessage = { message, username, chatRoom: room, uuid, serverTimestamp };
      const handedOver = performance.now();
      const receipt = await log.append(stored, { idempotent: wantsAck }).catch(refuse);
      if (receipt.duplicate) metrics.duplicates.inc();
      else metrics.accepted((performance.now() - handedOver) / 1_000);
      return receipt;
    },
  };
}

function refuse(error: unknown): never {
  if (error instanceof KeyReusedError) throw new ChatError(REFUSALS.uuidAlreadyUsed);
  if (error instanceof StoreError) throw new ChatError(REFUSALS.messageNotStored);
  throw error;
}
