import type { EventKind, Metrics } from "../observability/metrics";
import { Audience, type Skip } from "./audience";

const MAX_HOLD = 5; // ms
const WORTH_HOLDING = 1; // ms that a flush must cost before it is worth waiting for more

/**
 * Delivers in batches: everything published in one turn of the event loop reaches a connection as one write.
 * Writing to a socket costs a system call, some 8 µs, whatever its size; encoding is done once per event. So
 * the busier the loop, the larger the batch, and an idle loop delivers at once.
 */
export class FanOut {
  /** In the order of delivery: nobody should hear a message before its sender's arrival. */
  readonly #audiences: Readonly<Record<EventKind, Set<Audience>>> = {
    presence: new Set(),
    message: new Set(),
    typing: new Set(),
  };
  readonly #metrics: Metrics;
  #isScheduled = false;
  #isMoreComing = false;
  #hold: NodeJS.Timeout | undefined;
  #lastFlush = 0; // ms it took

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  audience(hears: EventKind, skip: Skip = () => false): Audience {
    const audience = new Audience(() => this.#schedule(), skip, this.#metrics.flushesOf(hears));
    this.#audiences[hears].add(audience);
    return audience;
  }

  /** Nobody will be in the audience any more. */
  drop(audience: Audience): void {
    for (const audiences of Object.values(this.#audiences)) audiences.delete(audience);
  }

  /**
   * Says whether more is about to be published. If so, and if writing is dear (many clients), what there is
   * waits for it, once and for 5 ms at the most: two halves of what is in flight would otherwise take turns,
   * each at the price of the whole.
   */
  expectMore(isMoreComing: boolean): void {
    this.#isMoreComing = isMoreComing;
  }

  /** Delivers now what was published. */
  flush(): void {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    const start = performance.now();
    for (const audiences of Object.values(this.#audiences))
      for (const audience of audiences) audience.flush();
    this.#lastFlush = performance.now() - start;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const isWorthHolding = this.#isMoreComing && this.#lastFlush > WORTH_HOLDING;
      if (isWorthHolding && this.#hold === undefined) this.#hold = setTimeout(() => this.flush(), MAX_HOLD);
      else this.flush();
    });
  }
}
