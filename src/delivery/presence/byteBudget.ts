/** The longest wait: a timer of more than 24 days would fire at once. */
const MAX_WAIT_MS = 60_000;

/**
 * A leaky bucket of bytes. Its level rises by what is spent and falls by `bytesPerSecond`; `burstBytes` is its size.
 * Something larger than the bucket fits when the bucket is empty. It then delays what follows, so the average rate
 * stays at `bytesPerSecond`.
 */
export class ByteBudget {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  readonly #now: () => number;
  #levelBytes = 0;
  #updatedAt: number; // monotonic, ms

  /** @param now the monotonic clock, in ms */
  constructor(bytesPerSecond: number, burstBytes: number, now: () => number = () => performance.now()) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#burstBytes = burstBytes;
    this.#now = now;
    this.#updatedAt = now();
  }

  /** Spends the bytes and returns 0; or, without room for them, spends nothing and returns the ms to wait. */
  spend(bytes: number): number {
    const now = this.#now();
    this.#levelBytes = Math.max(0, this.#levelBytes - (now - this.#updatedAt) * this.#bytesPerMs);
    this.#updatedAt = now;
    const excess = Math.min(this.#levelBytes, this.#levelBytes + bytes - this.#burstBytes);
    if (excess > 0) return Math.min(MAX_WAIT_MS, Math.ceil(excess / this.#bytesPerMs));
    this.#levelBytes += bytes;
    return 0;
  }
}
