import { authorize } from "../access/identity";
import { KeyReusedError, StoreError } from "../messageLog/messageLog";
import type { MessageReceipt } from "../protocol/events";
import { ChatError, REFUSALS } from "../protocol/refusals";
import { validateNewMessage } from "../protocol/validation";
import type { Handle, HandlerDeps } from "./eventHandler";

/**
 * `new_message`: appends to the log, which delivers the message to all clients, the sender included. With an ack the
 * uuid is an idempotency key, so that the client can retry.
 */
export function newMessage({ rooms, messageLog, metrics }: HandlerDeps): Handle<MessageReceipt> {
  return async (payload, { identity, wantsAck }) => {
    const { message, username, chatRoom, uuid } = validateNewMessage(payload);
    const room = rooms.get(chatRoom.name);
    authorize(identity, username, room.name);
    const serverTimestamp = new Date().toISOString();
    const accepted = { message, username, chatRoom: room, uuid, serverTimestamp };
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
