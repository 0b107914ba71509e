import { packetOf, type Audience } from "../chat/fanOut";
import type { Metrics } from "../metrics";
import { EVENTS } from "../protocol/events";
import { ByteBudget } from "./byteBudget";
import type { PresenceStore } from "./presenceStore";

export interface PresenceBroadcasterOptions {
  store: PresenceStore;
  audience: Audience;
  bytesPerSecond: number;
  burstBytes: number;
  metrics: Metrics;
}

/**
 * Tells everybody who is where. A snapshot costs users × clients bytes, so N joins would cost N³: while the
 * budget has room every change is sent, else changes coalesce until it has, and the last state always goes out.
 */
export class PresenceBroadcaster {
  readonly #store: PresenceStore;
  readonly #audience: Audience;
  readonly #budget: ByteBudget;
  readonly #metrics: Metrics;
  #waiting: NodeJS.Timeout | undefined;

  constructor({ store, audience, bytesPerSecond, burstBytes, metrics }: PresenceBroadcasterOptions) {
    this.#store = store;
    this.#audience = audience;
    this.#budget = new ByteBudget(bytesPerSecond, burstBytes);
    this.#metrics = metrics;
  }

  /** Somebody came, went or changed rooms. */
  changed(): void {
    if (this.#waiting === undefined) this.#sendOrWait();
    else this.#metrics.presenceCoalesced.inc();
  }

  stop(): void {
    clearTimeout(this.#waiting);
  }

  #sendOrWait(): void {
    const packet = packetOf(
      EVENTS.presenceInformation,
      `{"data":{"usersPerRoom":${this.#store.toJson()}},"error":null}`,
    );
    const delay = this.#budget.spend(Buffer.byteLength(packet) * this.#audience.size);
    if (delay === 0) {
      this.#audience.publish(packet);
      this.#metrics.presenceSent.inc();
      return;
    }
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      this.#sendOrWait();
    }, delay);
  }
}
