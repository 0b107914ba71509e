import type { PresenceBroadcaster } from "../presence/presenceBroadcaster";
import type { PresenceStore } from "../presence/presenceStore";
import type { PresenceInformation } from "../protocol/events";
import { validateNewPresenceInformation } from "../protocol/validate";
import type { IncomingEvent } from "./incomingEvent";
import type { RateLimit } from "./rateLimit";
import type { Rooms } from "./rooms";

export interface PresenceParts {
  rooms: Rooms;
  store: PresenceStore;
  broadcaster: PresenceBroadcaster;
}

/** `new_presence_information`: everybody hears of it when the client's room changed. */
export function newPresenceInformation(
  limit: RateLimit,
  { rooms, store, broadcaster }: PresenceParts,
): IncomingEvent<PresenceInformation | undefined> {
  return {
    limit,
    handle: (payload, { id, conn, wantsAck }) => {
      const { username, avatar, currentRoom } = validateNewPresenceInformation(payload);
      const room = rooms.get(currentRoom.name);
      // It may have left since it sent this; what is put now nobody would remove.
      if (conn.readyState !== "open") return undefined;
      if (store.put(id, { username, avatar }, room.name)) broadcaster.changed();
      if (!wantsAck) return undefined; // spares a whole snapshot
      return { usersPerRoom: JSON.parse(store.toJson()) as PresenceInformation["usersPerRoom"] };
    },
  };
}
