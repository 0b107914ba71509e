import { authorize } from "../access/identity";
import { KeyReusedError, StoreError, type MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../observability/metrics";
import type { ChatMessage, MessageReceipt } from "../protocol/events";
import { ChatError, REFUSALS } from "../protocol/refusals";
import type { Rooms } from "../protocol/rooms";
import { validateNewMessage } from "../protocol/validation";
import type { Handle } from "./eventHandler";

export interface NewMessageDeps {
  rooms: Rooms;
  messageLog: MessageLog;
  metrics: Metrics;
}

/**
 * `new_message`: appends to the log, which delivers the message to all clients, the sender included. With an ack the
 * uuid is an idempotency key, so that the client can retry.
 */
export function newMessage({ rooms, messageLog, metrics }: NewMessageDeps): Handle<MessageReceipt> {
  return async (payload, { identity, wantsAck }) => {
    const { message, username, chatRoom, uuid } = validateNewMessage(payload);
    const room = rooms.get(chatRoom.name);
    authorize(identity, username, room.name);
    const serverTimestamp = new Date().toISOString();
    const accepted: ChatMessage = { message, username, chatRoom: room, uuid, serverTimestamp };
    const appendedAt = performance.now();
    const receipt = await messageLog.append(accepted, { idempotent: wantsAck }).catch(refuse);
    if (receipt.duplicate) metrics.duplicates.inc();
    else metrics.countAccepted((performance.now() - appendedAt) / 1_000);
    return receipt;
  };
}

function refuse(error: unknown): never {
  if (error instanceof KeyReusedError) throw new ChatError(REFUSALS.uuidAlreadyUsed);
  if (error instanceof StoreError) throw new ChatError(REFUSALS.messageNotStored);
  throw error;
}
