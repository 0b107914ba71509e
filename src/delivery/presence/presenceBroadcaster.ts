import { roomsOf } from "../../access/identity";
import type { Connection } from "../../connections/engine";
import type { SocketData } from "../../connections/session";
import type { Metrics } from "../../observability/metrics";
import type { PresenceChange, PresenceStore } from "../../presence/presenceStore";
import type { FanOut } from "../fanOut";
import { ByteBudget } from "./byteBudget";
import { PresenceDiffs } from "./presenceDiffs";
import { PresenceSnapshots } from "./presenceSnapshots";

export interface PresenceBroadcasterDeps {
  store: PresenceStore;
  fanOut: FanOut;
  metrics: Metrics;
  /** The rate of presence over all clients: one budget for snapshots and an equal one for diffs. */
  bytesPerSecond: number;
  /** The bytes that each budget allows at once after a pause. */
  burstBytes: number;
}

/** Sends presence to all clients: as snapshots, or as differences to clients that opted in. */
export class PresenceBroadcaster {
  readonly #snapshots: PresenceSnapshots;
  readonly #diffs: PresenceDiffs;

  constructor({ bytesPerSecond, burstBytes, ...deps }: PresenceBroadcasterDeps) {
    // Two budgets, so that snapshots, which are larger, do not delay diffs.
    this.#snapshots = new PresenceSnapshots({ ...deps, budget: new ByteBudget(bytesPerSecond, burstBytes) });
    this.#diffs = new PresenceDiffs({ ...deps, budget: new ByteBudget(bytesPerSecond, burstBytes) });
  }

  /** From now on the connection receives changes in the rooms that it may see. */
  join(conn: Connection, { optIns, identity }: SocketData): void {
    (optIns.presence === "diff" ? this.#diffs : this.#snapshots).add(conn, roomsOf(identity));
  }

  /** From now on the connection receives nothing. Does nothing for an unknown connection. */
  leave(conn: Connection): void {
    this.#snapshots.remove(conn);
    this.#diffs.remove(conn);
  }

  /** Sends changes that the store reported. */
  onChanges(changes: readonly PresenceChange[]): void {
    this.#diffs.onChanges(changes);
    if (changes.some(({ from, to }) => from !== to)) this.#snapshots.onMove();
  }

  /** Gives up what waits for the budget. */
  stop(): void {
    this.#snapshots.stop();
    this.#diffs.stop();
  }
}
