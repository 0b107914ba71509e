import type { RoomScope } from "../../access/roomScope";
import type { Connection } from "../../connections/engine";
import type { PresenceChange } from "../../presence/presenceStore";
import { EVENTS } from "../../protocol/events";
import { Batch } from "../batch";
import { packetOf, type Packet } from "../packet";
import { Pacer } from "./pacer";
import { PendingChanges } from "./pendingChanges";
import { PresenceGroups } from "./presenceGroups";
import type { PresenceSenderDeps } from "./presenceSenderDeps";

/** New connections that wait for the state of the same rooms. */
interface Newcomers {
  rooms: RoomScope;
  conns: Set<Connection>;
}

/**
 * Presence by difference: the whole state once, then one diff for all changes of a turn of the event loop, or of a
 * longer time while the budget has no room. A newcomer receives its state at the moment at which the others receive
 * all pending changes, so that every diff fits the state of each of its receivers.
 */
export class PresenceDiffs {
  readonly #store: PresenceSenderDeps["store"];
  readonly #countFlush: (events: number, deliveries: number) => void;
  readonly #groups: PresenceGroups;
  readonly #pacer: Pacer;
  readonly #pending = new PendingChanges();
  /** key of a RoomScope → the newcomers with that scope, one at least */
  readonly #newcomers = new Map<string, Newcomers>();
  #scheduled: NodeJS.Immediate | undefined;

  constructor({ store, fanOut, metrics, budget }: PresenceSenderDeps) {
    this.#store = store;
    this.#countFlush = metrics.flushesOf("presence");
    this.#groups = new PresenceGroups(fanOut);
    this.#pacer = new Pacer(budget, () => this.#send());
  }

  /** Adds a connection. It receives the state soon, then diffs. */
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

  onChanges(changes: readonly PresenceChange[]): void {
    for (const change of changes) this.#pending.add(change);
    if (this.#pending.hasMoves) this.#schedule();
  }

  stop(): void {
    clearImmediate(this.#scheduled);
    this.#pacer.stop();
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#pacer.isWaiting) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      this.#send();
    });
  }

  #send(): void {
    // New names alone are not sent. They wait for a move, also when newcomers receive their state meanwhile.
    const { hasMoves } = this.#pending;
    const diffs = hasMoves ? this.#groups.packets((rooms) => this.#diffPacket(rooms)) : [];
    const states = Array.from(this.#newcomers.values(), ({ rooms, conns }) => {
      return { rooms, conns, packet: this.#statePacket(rooms), receivers: conns.size };
    });
    if (!this.#pacer.spend([...diffs, ...states])) return; // it calls `#send` later
    if (hasMoves) this.#pending.clear(); // before the writes: one may close its connection, which is a new change
    for (const { audience, packet } of diffs) {
      audience.publish(packet);
      audience.flush(); // before newcomers join: their state includes these changes
    }
    for (const { rooms, conns, packet } of states) this.#sendState(rooms, conns, packet);
    this.#newcomers.clear();
  }

  #sendState(rooms: RoomScope, conns: ReadonlySet<Connection>, packet: Packet): void {
    const batch = new Batch([packet]);
    for (const conn of conns) {
      this.#groups.add(conn, rooms); // before the write, which may close the connection: `remove` must find it
      batch.writeTo(conn);
    }
    this.#countFlush(1, conns.size);
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
