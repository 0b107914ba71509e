import { authorize, roomsOf } from "../access/identity";
import type { PresenceInformation } from "../protocol/events";
import { validateNewPresenceInformation } from "../protocol/validation";
import type { Handle, HandlerDeps } from "./eventHandler";

/** `new_presence_information`: puts the client into a room. The other clients are notified when its room changed. */
export function newPresenceInformation(deps: HandlerDeps): Handle<PresenceInformation | undefined> {
  const { rooms, presenceStore } = deps;
  return (payload, { id, identity, conn, wantsAck }) => {
    const { username, avatar, currentRoom } = validateNewPresenceInformation(payload);
    const room = rooms.get(currentRoom.name);
    authorize(identity, username, room.name);
    // The client may have left since it sent this. A presence that is put now would never be removed.
    if (conn.readyState !== "open") return undefined;
    presenceStore.put(id, { username, avatar }, room.name);
    if (!wantsAck) return undefined; // saves encoding all clients
    const usersPerRoom: unknown = JSON.parse(presenceStore.toJson({ rooms: roomsOf(identity) }));
    return { usersPerRoom } as PresenceInformation;
  };
}
