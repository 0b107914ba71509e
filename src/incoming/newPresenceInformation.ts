import { authorize, roomsOf } from "../access/identity";
import type { PresenceStore } from "../presence/presenceStore";
import type { PresenceInformation } from "../protocol/events";
import { validateNewPresenceInformation } from "../protocol/validation";
import type { EventHandler } from "./eventHandler";
import type { RateLimit } from "../access/rateLimit";
import type { Rooms } from "../protocol/rooms";

export interface PresenceParts {
  rooms: Rooms;
  store: PresenceStore;
}

/** `new_presence_information`: everybody hears of it when the client's room changed. */
export function newPresenceInformation(
  limit: RateLimit,
  { rooms, store }: PresenceParts,
): EventHandler<PresenceInformation | undefined> {
  return {
    limit,
    handle: (payload, { id, identity, conn, wantsAck }) => {
      const { username, avatar, currentRoom } = validateNewPresenceInformation(payload);
      const room = rooms.get(currentRoom.name);
      authorize(identity, username, room.name);
      // It may have left since it sent this; what is put now nobody would remove.
      if (conn.readyState !== "open") return undefined;
      store.put(id, { username, avatar }, room.name);
      if (!wantsAck) return undefined; // spares a whole snapshot
      const usersPerRoom: unknown = JSON.parse(store.toJson({ rooms: roomsOf(identity) }));
      return { usersPerRoom } as PresenceInformation;
    },
  };
}
