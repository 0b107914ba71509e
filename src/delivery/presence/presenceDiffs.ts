import type { Connection } from "../../connections/engine";
import { Batch } from "../batch";
import { packetOf, type Packet } from "../packet";
import type { RoomScope } from "../../access/roomScope";
import { EVENTS } from "../../protocol/events";
import { BudgetedSender, type Outgoing } from "./budgetedSender";
import { PendingChanges } from "./pendingChanges";
import type { PresenceFormOptions } from "./presenceSenderDeps";
import { PresenceGroups, type PresenceGroup } from "./presenceGroups";
import type { PresenceChange } from "../../presence/presenceStore";

/** Clients that wait for the state of these rooms. */
interface Newcomers {
  rooms: RoomScope;
  conns: Set<Connection>;
}

interface Addressed {
  packet: Packet;
  receivers: number;
  send: () => void;
}

/**
 * Presence by difference: everybody once, then what changes, one event for all changes of a turn of the event
 * loop, or of a longer time when the budget has no room. A newcomer gets its state in the very moment in which all
 * others have been told everything, so that every diff fits what its receivers know.
 */
export class PresenceDiffs {
  readonly #options: PresenceFormOptions;
  readonly #groups: PresenceGroups;
  readonly #sender: BudgetedSender;
  readonly #pending = new PendingChanges();
  /** names of the rooms → those who wait to be shown them */
  readonly #newcomers = new Map<string, Newcomers>();
  #scheduled: NodeJS.Immediate | undefined;

  constructor(options: PresenceFormOptions) {
    this.#options = options;
    this.#groups = new PresenceGroups(options);
    this.#sender = new BudgetedSender(options.budget, () => this.#prepare());
  }

  add(conn: Connection, rooms: RoomScope): void {
    const { key } = rooms;
    const newcomers = this.#newcomers.get(key) ?? { rooms, conns: new Set() };
    this.#newcomers.set(key, newcomers);
    newcomers.conns.add(conn);
    this.#schedule();
  }

  remove(conn: Connection): void {
    this.#groups.remove(conn);
    for (const [key, { conns }] of this.#newcomers)
      if (conns.delete(conn) && conns.size === 0) this.#newcomers.delete(key);
  }

  changed(changes: readonly PresenceChange[]): void {
    for (const change of changes) this.#pending.add(change);
    if (this.#pending.hasMoves) this.#schedule();
  }

  stop(): void {
    clearImmediate(this.#scheduled);
    this.#sender.stop();
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#sender.isWaiting) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      this.#sender.sendOrWait();
    });
  }

  #prepare(): Outgoing {
    const { hasMoves } = this.#pending; // else what is pending waits: newcomers alone are no change
    const diffs = hasMoves ? [...this.#groups].flatMap((group) => this.#diffFor(group)) : [];
    const states = [...this.#newcomers.values()].map((newcomers) => this.#stateFor(newcomers));
    const all = [...diffs, ...states];
    return {
      bytes: all.reduce((sum, { packet, receivers }) => sum + Buffer.byteLength(packet) * receivers, 0),
      send: () => {
        for (const { send } of all) send();
        this.#newcomers.clear();
        if (hasMoves) this.#pending.clear();
      },
    };
  }

  #diffFor({ rooms, audience }: PresenceGroup): Addressed[] {
    const diff = this.#pending.toJson(rooms);
    if (diff === undefined) return [];
    const packet = packetOf(EVENTS.presenceDiff, `{"data":${diff},"error":null}`);
    return [{ packet, receivers: audience.size, send: () => audience.publish(packet) }];
  }

  #stateFor({ rooms, conns }: Newcomers): Addressed {
    const users = this.#options.store.toJson({ withIds: true, rooms });
    const packet = packetOf(EVENTS.presenceState, `{"data":{"usersPerRoom":${users}},"error":null}`);
    const send = () => {
      const batch = new Batch([packet]);
      for (const conn of conns) {
        this.#groups.add(conn, rooms); // which first sends the diffs that are not for newcomers
        batch.writeTo(conn);
      }
      this.#options.countFlush(1, conns.size);
    };
    return { packet, receivers: conns.size, send };
  }
}
