import { roomsOf } from "../../access/identity";
import type { Connection } from "../../connections/engine";
import type { SocketData } from "../../connections/session";
import type { FanOut } from "../fanOut";
import type { Metrics } from "../../observability/metrics";
import { ByteBudget } from "./byteBudget";
import { PresenceDiffs } from "./presenceDiffs";
import { PresenceSnapshots } from "./presenceSnapshots";
import type { PresenceChange, PresenceStore } from "../../presence/presenceStore";

export interface PresenceBroadcasterOptions {
  store: PresenceStore;
  fanOut: FanOut;
  bytesPerSecond: number;
  burstBytes: number;
  metrics: Metrics;
}

/** Tells everybody who is where: all of it, or the difference, as each client asked. */
export class PresenceBroadcaster {
  readonly #snapshots: PresenceSnapshots;
  readonly #diffs: PresenceDiffs;

  constructor({ store, fanOut, bytesPerSecond, burstBytes, metrics }: PresenceBroadcasterOptions) {
    const options = {
      store,
      metrics,
      newAudience: () => fanOut.audience("presence"),
      dropAudience: fanOut.drop.bind(fanOut),
      countFlush: metrics.flushesOf("presence"),
    };
    // One each: snapshots, which cost more, shall not hold up those who asked for less.
    const budget = () => new ByteBudget(bytesPerSecond, burstBytes);
    this.#snapshots = new PresenceSnapshots({ ...options, budget: budget() });
    this.#diffs = new PresenceDiffs({ ...options, budget: budget() });
  }

  /** From now on the client hears who comes and goes, in the rooms that it may see. */
  join(conn: Connection, { optIns, identity }: SocketData): void {
    (optIns.presence === "diff" ? this.#diffs : this.#snapshots).add(conn, roomsOf(identity));
  }

  leave(conn: Connection): void {
    this.#snapshots.remove(conn);
    this.#diffs.remove(conn);
  }

  changed(changes: readonly PresenceChange[]): void {
    this.#diffs.changed(changes);
    if (changes.some(({ from, to }) => from !== to)) this.#snapshots.changed();
  }

  stop(): void {
    this.#snapshots.stop();
    this.#diffs.stop();
  }
}
