const LONGEST_WAIT = 60_000; // ms; a timer of more than 24 days would fire at once

/**
 * A leaky bucket in bytes: it holds `burst` and loses `perSecond`. What is larger than the bucket goes out when
 * the bucket is empty, and then holds up what follows, so the average keeps to `perSecond` all the same.
 */
export class ByteBudget {
  readonly #perMillisecond: number;
  readonly #burst: number;
  #level = 0; // bytes
  #leakedAt = performance.now(); // ms

  constructor(perSecond: number, burst: number) {
    this.#perMillisecond = perSecond / 1_000;
    this.#burst = burst;
  }

  /** Spends the bytes and returns 0, or spends nothing and returns the ms after which to ask again. */
  spend(bytes: number): number {
    const now = performance.now();
    this.#level = Math.max(0, this.#level - (now - this.#leakedAt) * this.#perMillisecond);
    this.#leakedAt = now;
    const excess = Math.min(this.#level, this.#level + bytes - this.#burst);
    if (excess > 0) return Math.min(LONGEST_WAIT, Math.ceil(excess / this.#perMillisecond));
    this.#level += bytes;
    return 0;
  }
}
