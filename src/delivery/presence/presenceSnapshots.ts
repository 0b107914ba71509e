import type { RoomScope } from "../../access/roomScope";
import type { Connection } from "../../connections/engine";
import { EVENTS } from "../../protocol/events";
import { packetOf } from "../packet";
import { Pacer } from "./pacer";
import { PresenceGroups } from "./presenceGroups";
import type { PresenceSenderDeps } from "./presenceSenderDeps";

/**
 * Presence for base clients: all users, at each change of rooms. That costs users × clients bytes, so N joins would
 * cost N³. While the budget has room each change is one event; else changes coalesce. The last state is always sent.
 */
export class PresenceSnapshots {
  readonly #deps: PresenceSenderDeps;
  readonly #groups: PresenceGroups;
  readonly #pacer: Pacer;

  constructor(deps: PresenceSenderDeps) {
    this.#deps = deps;
    this.#groups = new PresenceGroups(deps.fanOut);
    this.#pacer = new Pacer(deps.budget, () => this.#send());
  }

  /** Adds a connection. It receives the next change, but no snapshot now. */
  add(conn: Connection, rooms: RoomScope): void {
    this.#groups.add(conn, rooms);
  }

  remove(conn: Connection): void {
    this.#groups.remove(conn);
  }

  /** A client joined, left or changed rooms. */
  onMove(): void {
    if (this.#pacer.isWaiting) this.#deps.metrics.presenceCoalesced.inc();
    else this.#send();
  }

  stop(): void {
    this.#pacer.stop();
  }

  #send(): void {
    const { store, metrics } = this.#deps;
    const snapshots = this.#groups.packets((rooms) => {
      const data = `{"usersPerRoom":${store.toJson({ rooms })}}`;
      return packetOf(EVENTS.presenceInformation, `{"data":${data},"error":null}`);
    });
    if (!this.#pacer.spend(snapshots)) return; // it calls `#send` later
    for (const { audience, packet } of snapshots) audience.publish(packet);
    if (snapshots.length > 0) metrics.presenceSent.inc();
  }
}
