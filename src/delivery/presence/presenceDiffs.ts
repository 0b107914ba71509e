import type { RoomScope } from "../../access/roomScope";
import type { Connection } from "../../connections/engine";
import type { PresenceChange, PresenceStore } from "../../presence/presenceStore";
import { EVENTS } from "../../protocol/events";
import type { FanOut } from "../fanOut";
import { packetOf, type Packet } from "../packet";
import type { ByteBudget } from "./byteBudget";
import { PendingChanges } from "./pendingChanges";
import { PresenceGroups } from "./presenceGroups";

/**
 * Presence by difference: the whole state once, then one diff for all changes of a turn of the event loop, or of a
 * longer time while the budget has no room. A newcomer receives its state at the moment at which the others receive
 * all pending changes, so that every diff fits the state of each of its receivers.
 */
export class PresenceDiffs {
  readonly #store: PresenceStore;
  readonly #budget: ByteBudget;
  readonly #newcomers: PresenceGroups;
  /** Connections that have received their state. */
  readonly #groups: PresenceGroups;
  readonly #pending = new PendingChanges();
  #scheduled: NodeJS.Immediate | undefined;

  constructor(store: PresenceStore, fanOut: FanOut, budget: ByteBudget) {
    this.#store = store;
    this.#budget = budget;
    this.#newcomers = new PresenceGroups(fanOut);
    this.#groups = new PresenceGroups(fanOut);
  }

  /** Adds a connection. It receives the state soon, then diffs. */
  add(conn: Connection, rooms: RoomScope): void {
    this.#newcomers.add(conn, rooms);
    this.#schedule();
  }

  remove(conn: Connection): void {
    this.#newcomers.remove(conn);
    this.#groups.remove(conn);
  }

  onChanges(changes: readonly PresenceChange[]): void {
    for (const change of changes) this.#pending.add(change);
    if (this.#pending.hasMoves) this.#schedule();
  }

  stop(): void {
    clearImmediate(this.#scheduled);
    this.#budget.stop();
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#budget.isWaiting) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      this.#send();
    });
  }

  #send(): void {
    // New names alone are not sent. They wait for a move, also when newcomers receive their state meanwhile.
    const { hasMoves } = this.#pending;
    const diffs = hasMoves ? this.#groups.packets((rooms) => this.#diffPacket(rooms)) : [];
    const packets = [...diffs, ...this.#newcomers.packets((rooms) => this.#statePacket(rooms))];
    if (!this.#budget.admit(packets, () => this.#send())) return;
    if (hasMoves) this.#pending.clear(); // before the writes: one may close its connection, which is a new change
    for (const { audience, packet } of packets) {
      audience.publish(packet);
      audience.flush(); // before newcomers join: their state includes these changes
    }
    this.#newcomers.moveAllTo(this.#groups);
  }

  #diffPacket(rooms: RoomScope): Packet | undefined {
    const diff = this.#pending.toJson(rooms);
    return diff && packetOf(EVENTS.presenceDiff, `{"data":${diff},"error":null}`);
  }

  #statePacket(rooms: RoomScope): Packet {
    const users = this.#store.toJson({ withIds: true, rooms });
    return packetOf(EVENTS.presenceState, `{"data":{"usersPerRoom":${users}},"error":null}`);
  }
}
