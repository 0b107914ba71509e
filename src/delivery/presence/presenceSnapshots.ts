import type { Connection } from "../../connections/engine";
import { packetOf } from "../packet";
import type { RoomScope } from "../../access/roomScope";
import { EVENTS } from "../../protocol/events";
import { BudgetedSender, type Outgoing } from "./budgetedSender";
import type { PresenceFormOptions } from "./presenceSenderDeps";
import { PresenceGroups } from "./presenceGroups";

/**
 * Presence as base clients get it: everybody, at every change. That costs users × clients bytes, so N joins would
 * cost N³: while the budget has room every change is sent, else changes coalesce until it has, and the last state
 * always goes out.
 */
export class PresenceSnapshots {
  readonly #options: PresenceFormOptions;
  readonly #groups: PresenceGroups;
  readonly #sender: BudgetedSender;

  constructor(options: PresenceFormOptions) {
    this.#options = options;
    this.#groups = new PresenceGroups(options);
    this.#sender = new BudgetedSender(options.budget, () => this.#prepare());
  }

  add(conn: Connection, rooms: RoomScope): void {
    this.#groups.add(conn, rooms);
  }

  remove(conn: Connection): void {
    this.#groups.remove(conn);
  }

  /** Somebody came, went or changed rooms. */
  changed(): void {
    if (this.#sender.isWaiting) this.#options.metrics.presenceCoalesced.inc();
    else this.#sender.sendOrWait();
  }

  stop(): void {
    this.#sender.stop();
  }

  #prepare(): Outgoing {
    const { store, metrics } = this.#options;
    const snapshots = Array.from(this.#groups, ({ rooms, audience }) => {
      const data = `{"usersPerRoom":${store.toJson({ rooms })}}`;
      return { audience, packet: packetOf(EVENTS.presenceInformation, `{"data":${data},"error":null}`) };
    });
    return {
      bytes: snapshots.reduce(
        (sum, { audience, packet }) => sum + Buffer.byteLength(packet) * audience.size,
        0,
      ),
      send: () => {
        for (const { audience, packet } of snapshots) audience.publish(packet);
        if (snapshots.length > 0) metrics.presenceSent.inc();
      },
    };
  }
}
