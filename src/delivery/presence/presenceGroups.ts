import type { RoomScope } from "../../access/roomScope";
import type { Connection } from "../../connections/engine";
import type { Audience } from "../audience";
import type { FanOut } from "../fanOut";
import type { Packet } from "../packet";

/** Connections that may see the same rooms and so receive the same packets. */
type PresenceGroup = { rooms: RoomScope; audience: Audience };

export type GroupPacket = { packet: Packet; audience: Audience };

/** Groups connections by the rooms that they may see. Without `rooms` claims in tokens there is one group. */
export class PresenceGroups {
  readonly #fanOut: FanOut;
  /** key of a RoomScope → its group, which is never empty */
  readonly #groups = new Map<string, PresenceGroup>();
  readonly #groupOf = new Map<Connection, PresenceGroup>();

  constructor(fanOut: FanOut) {
    this.#fanOut = fanOut;
  }

  /** Adds a connection, which receives what is published from now on. */
  add(conn: Connection, rooms: RoomScope): void {
    const { key } = rooms;
    const group = this.#groups.get(key) ?? { rooms, audience: this.#fanOut.audience("presence") };
    this.#groups.set(key, group);
    this.#groupOf.set(conn, group);
    group.audience.flush(); // what was published before is not for the new member
    group.audience.add(conn);
  }

  remove(conn: Connection): void {
    const group = this.#groupOf.get(conn);
    if (group === undefined) return;
    this.#groupOf.delete(conn);
    group.audience.remove(conn);
    if (group.audience.size > 0) return;
    this.#groups.delete(group.rooms.key);
    this.#fanOut.drop(group.audience);
  }

  moveAllTo(others: PresenceGroups): void {
    for (const [conn, { rooms }] of this.#groupOf) {
      this.remove(conn);
      others.add(conn, rooms);
    }
  }

  /** Encodes one packet per group. Groups for which `encode` returns undefined have none. */
  packets(encode: (rooms: RoomScope) => Packet | undefined): GroupPacket[] {
    return [...this.#groups.values()].flatMap(({ rooms, audience }) => {
      const packet = encode(rooms);
      return packet === undefined ? [] : [{ packet, audience }];
    });
  }
}
