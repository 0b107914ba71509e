import type { RoomScope } from "../access/roomScope";
import type { Connection } from "../connections/engine";
import type { Audience } from "./audience";
import type { Packet } from "./packet";

/** Clients that receive the events of rooms: of every room, or of the rooms that their tokens name. */
export class RoomListeners {
  readonly #newAudience: () => Audience;
  readonly #ofAllRooms: Audience;
  /** room name → its listeners among the clients that do not listen to every room */
  readonly #ofSomeRooms = new Map<string, Audience>();

  constructor(newAudience: () => Audience) {
    this.#newAudience = newAudience;
    this.#ofAllRooms = newAudience();
  }

  /** The connection receives what is published from now on. What was published before is flushed without it. */
  add(conn: Connection, { names }: RoomScope): void {
    const audiences = names === undefined ? [this.#ofAllRooms] : Array.from(names, (room) => this.#of(room));
    for (const audience of audiences) {
      audience.flush();
      audience.add(conn);
    }
  }

  remove(conn: Connection): void {
    this.#ofAllRooms.remove(conn);
    for (const audience of this.#ofSomeRooms.values()) audience.remove(conn);
  }

  /** Publishes to the room's listeners but `except`. Calls `encode` once, or not at all if there is no listener. */
  publish(room: string, encode: () => Packet, except?: Connection): void {
    const ofSomeRooms = this.#ofSomeRooms.get(room);
    const listening = [this.#ofAllRooms, ofSomeRooms].filter((audience) => audience?.size);
    if (listening.length === 0) return;
    const packet = encode();
    for (const audience of listening) audience?.publish(packet, except);
  }

  #of(room: string): Audience {
    const audience = this.#ofSomeRooms.get(room) ?? this.#newAudience();
    this.#ofSomeRooms.set(room, audience);
    return audience;
  }
}
