import { authorize, roomsOf } from "../access/identity";
import type { PresenceStore } from "../presence/presenceStore";
import type { PresenceInformation } from "../protocol/events";
import type { Rooms } from "../protocol/rooms";
import { validateNewPresenceInformation } from "../protocol/validation";
import type { Handle } from "./eventHandler";

export interface NewPresenceInformationDeps {
  rooms: Rooms;
  presenceStore: PresenceStore;
}

/** `new_presence_information`: puts the client into a room. The other clients are notified when its room changed. */
export function newPresenceInformation({
  rooms,
  presenceStore,
}: NewPresenceInformationDeps): Handle<PresenceInformation | undefined> {
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
