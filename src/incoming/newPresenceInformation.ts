import { authorize, roomsOf } from "../access/identity";
import type { EncodedJson } from "../connections/ackEncoder";
import { ChatError, REFUSALS } from "../protocol/refusals";
import { validateNewPresenceInformation } from "../protocol/validation";
import type { Handle, HandlerDeps } from "./eventHandler";

/**
 * `new_presence_information`: puts the client into a room. The other clients are notified when its room changed. The
 * data of the ack is `PresenceInformation`.
 */
export function newPresenceInformation(deps: HandlerDeps): Handle<EncodedJson | undefined> {
  const { rooms, presenceStore, presenceAnswers } = deps;
  return (payload, { id, identity, conn, wantsAck }) => {
    const { username, avatar, currentRoom } = validateNewPresenceInformation(payload);
    const room = rooms.get(currentRoom.name);
    authorize(identity, username, room.name);
    // The client may have left since it sent this. A presence that is put now would never be removed.
    if (conn.readyState !== "open") return undefined;
    if (wantsAck && presenceAnswers.isFull(conn)) throw new ChatError(REFUSALS.tooManyRequests);
    presenceStore.put(id, { username, avatar }, room.name);
    return wantsAck ? presenceAnswers.answer(conn, roomsOf(identity)) : undefined;
  };
}
