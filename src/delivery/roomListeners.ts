import type { RoomScope } from "../access/roomScope";
import type { Connection } from "../connections/engine";
import type { Audience } from "./audience";
import type { Packet } from "./packet";

/** Clients that hear what happens in rooms: in all of them, or in those that their tokens name. */
export class RoomListeners {
  readonly #newAudience: () => Audience;
  readonly #ofAllRooms: Audience;
  /** room name → the clients that hear it and not all others; empty until the first of them comes */
  readonly #ofSomeRooms = new Map<string, Audience>();

  constructor(newAudience: () => Audience) {
    this.#newAudience = newAudience;
    this.#ofAllRooms = newAudience();
  }

  add(conn: Connection, { names }: RoomScope): void {
    if (names === undefined) this.#ofAllRooms.add(conn);
    else for (const room of names) this.#audienceOf(room).add(conn);
  }

  remove(conn: Connection): void {
    this.#ofAllRooms.remove(conn);
    for (const audience of this.#ofSomeRooms.values()) audience.remove(conn);
  }

  /** Not encoded where nobody listens. */
  publish(room: string, encode: () => Packet, except?: Connection): void {
    const ofSomeRooms = this.#ofSomeRooms.get(room);
    const listening = [this.#ofAllRooms, ofSomeRooms].filter((audience) => audience?.size);
    if (listening.length === 0) return;
    const packet = encode();
    for (const audience of listening) audience?.publish(packet, except);
  }

  #audienceOf(room: string): Audience {
    const known = this.#ofSomeRooms.get(room);
    if (known !== undefined) return known;
    const audience = this.#newAudience();
    this.#ofSomeRooms.set(room, audience);
    return audience;
  }
}
