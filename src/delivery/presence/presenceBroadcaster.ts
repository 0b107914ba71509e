import { roomsOf } from "../../access/identity";
import type { Connection } from "../../connections/engine";
import type { ChatLimits } from "../../connections/limits";
import type { SocketData } from "../../connections/session";
import type { SlowConsumers } from "../../connections/slowConsumers";
import type { Metrics } from "../../observability/metrics";
import type { PresenceChange, PresenceStore } from "../../presence/presenceStore";
import { EVENTS } from "../../protocol/events";
import type { FanOut } from "../fanOut";
import { packetOf } from "../packet";
import { ByteBudget } from "./byteBudget";
import { PresenceAnswers } from "./presenceAnswers";
import { PresenceDiffs } from "./presenceDiffs";
import { PresenceGroups } from "./presenceGroups";

export interface PresenceDeps {
  presenceStore: PresenceStore;
  fanOut: FanOut;
  metrics: Metrics;
  limits: ChatLimits;
  slowConsumers: SlowConsumers;
}

/**
 * Sends presence to all clients: as differences to clients that opted in, to base clients as snapshots. A snapshot is
 * all users, at each change of rooms. That costs users × clients bytes, so N joins would cost N³. While the budget has
 * room each change is one event; else changes coalesce. The last state is always sent.
 */
export class PresenceBroadcaster {
  /** The same state for clients that ask for it with an ack. */
  readonly answers: PresenceAnswers;
  readonly #deps: PresenceDeps;
  readonly #diffs: PresenceDiffs;
  readonly #baseClients: PresenceGroups;
  readonly #snapshotBudget: ByteBudget;
  #isStopped = false;

  constructor(deps: PresenceDeps) {
    const { presenceStore, fanOut, limits, slowConsumers } = deps;
    // A budget each: snapshots, which are larger, must not delay diffs, and answers must not delay snapshots.
    const newBudget = () => new ByteBudget(limits.presenceBytesPerSecond, limits.presenceBurstBytes);
    this.#deps = deps;
    this.#diffs = new PresenceDiffs(presenceStore, fanOut, newBudget());
    this.#baseClients = new PresenceGroups(fanOut);
    this.#snapshotBudget = newBudget();
    this.answers = new PresenceAnswers(presenceStore, slowConsumers, newBudget());
  }

  /** From now on the connection receives changes in the rooms that it may see, but no snapshot now. */
  join(conn: Connection, { optIns, identity }: SocketData): void {
    (optIns.presence === "diff" ? this.#diffs : this.#baseClients).add(conn, roomsOf(identity));
  }

  leave(conn: Connection): void {
    this.#baseClients.remove(conn);
    this.#diffs.remove(conn);
    this.answers.remove(conn);
  }

  /** Sends changes that the store reported as soon as the budgets have room for them; none after `stop()`. */
  onChanges(changes: readonly PresenceChange[]): void {
    if (this.#isStopped) return;
    this.#diffs.onChanges(changes);
    if (!changes.some(({ from, to }) => from !== to)) return;
    if (this.#snapshotBudget.isWaiting) this.#deps.metrics.presenceCoalesced.inc();
    else this.#sendSnapshots();
  }

  /**
   * From now on no changes are sent, not even those that wait for the budgets: while all clients leave, it would only
   * cost. Answers that wait are refused.
   */
  stop(): void {
    this.#isStopped = true;
    this.#snapshotBudget.stop();
    this.#diffs.stop();
    this.answers.stop();
  }

  #sendSnapshots(): void {
    const { presenceStore, metrics } = this.#deps;
    const snapshots = this.#baseClients.packets((rooms) => {
      const data = `{"usersPerRoom":${presenceStore.toJson({ rooms })}}`;
      return packetOf(EVENTS.presenceInformation, `{"data":${data},"error":null}`);
    });
    if (!this.#snapshotBudget.admit(snapshots, () => this.#sendSnapshots())) return;
    for (const { audience, packet } of snapshots) audience.publish(packet);
    if (snapshots.length > 0) metrics.presenceSent.inc();
  }
}
