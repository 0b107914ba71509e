import type { Connection } from "../../connections/engine";
import type { Audience } from "../audience";
import type { RoomScope } from "../../access/roomScope";

/** Clients that are shown the same rooms, and so get the same events. */
export interface PresenceGroup {
  rooms: RoomScope;
  audience: Audience;
}

export interface PresenceGroupsOptions {
  newAudience: () => Audience;
  dropAudience: (audience: Audience) => void;
}

/** Clients by the rooms that they are shown: one group of nearly all, and more where tokens name rooms. */
export class PresenceGroups {
  readonly #options: PresenceGroupsOptions;
  /** names of the rooms → those who are shown them */
  readonly #groups = new Map<string, PresenceGroup>();
  readonly #keys = new Map<Connection, string>();

  constructor(options: PresenceGroupsOptions) {
    this.#options = options;
  }

  add(conn: Connection, rooms: RoomScope): void {
    const { key } = rooms;
    const group = this.#groups.get(key) ?? { rooms, audience: this.#options.newAudience() };
    this.#groups.set(key, group);
    this.#keys.set(conn, key);
    group.audience.flush(); // what was published before is not for this connection
    group.audience.add(conn);
  }

  remove(conn: Connection): void {
    const key = this.#keys.get(conn);
    const group = key === undefined ? undefined : this.#groups.get(key);
    if (key === undefined || group === undefined) return;
    this.#keys.delete(conn);
    group.audience.remove(conn);
    if (group.audience.size > 0) return;
    this.#groups.delete(key);
    this.#options.dropAudience(group.audience);
  }

  [Symbol.iterator](): Iterator<PresenceGroup> {
    return this.#groups.values();
  }
}
