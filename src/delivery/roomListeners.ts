import type { RoomScope } from "../access/roomScope";
import type { Connection } from "../connections/engine";
import type { Audience } from "./audience";
import type { Packet } from "./packet";

/** Clients that receive the events of rooms: of every room, or of the rooms that their tokens name. */
export class RoomListeners {
  readonly #newAudience: () => Audience;
  /** room name → clients limited to rooms; key `undefined` → clients that may read every room */
  readonly #audiences = new Map<string | undefined, Audience>();

  constructor(newAudience: () => Audience) {
    this.#newAudience = newAudience;
  }

  /** The connection receives what is published from now on. What was published before is flushed without it. */
  add(conn: Connection, { names }: RoomScope): void {
    for (const room of names ?? [undefined]) {
      const audience = this.#audiences.get(room) ?? this.#newAudience();
      this.#audiences.set(room, audience);
      audience.flush();
      audience.add(conn);
    }
  }

  remove(conn: Connection): void {
    for (const audience of this.#audiences.values()) audience.remove(conn);
  }

  /** Publishes to the room's listeners but `except`. Calls `encode` once, or not at all if there is no listener. */
  publish(room: string, encode: () => Packet, except?: Connection): void {
    const ofRoom = [undefined, room].map((name) => this.#audiences.get(name));
    const listening = ofRoom.filter((audience) => audience?.size);
    if (listening.length === 0) return;
    const packet = encode();
    for (const audience of listening) audience?.publish(packet, except);
  }
}
