import type { GroupPacket } from "./presenceGroups";

const MAX_WAIT_MS = 60_000; // a timer of more than 24 days would fire at once

/**
 * A leaky bucket of bytes. Its level rises by what is spent and falls by `bytesPerSecond`; `burstBytes` is its size.
 * Something larger than the bucket fits when the bucket is empty. It then delays what follows, so the average rate
 * stays at `bytesPerSecond`.
 */
export class ByteBudget {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #levelBytes = 0;
  #updatedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(bytesPerSecond: number, burstBytes: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#burstBytes = burstBytes;
  }

  /** Whether a retry is scheduled. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * Spends the size of the packets over all their receivers. True: they are to be sent now. False: there is no room,
   * and `retry` is called once there is. Must not be called while `isWaiting`.
   */
  admit(packets: readonly GroupPacket[], retry: () => void): boolean {
    const sizes = packets.map(({ packet, audience }) => Buffer.byteLength(packet) * audience.size);
    const waitMs = this.spend(sizes.reduce((sum, bytes) => sum + bytes, 0));
    if (waitMs === 0) return true;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      retry();
    }, waitMs);
    return false;
  }

  /** Spends the bytes and returns 0; or, without room for them, spends nothing and returns the ms to wait. */
  spend(bytes: number): number {
    const now = performance.now();
    this.#levelBytes = Math.max(0, this.#levelBytes - (now - this.#updatedAt) * this.#bytesPerMs);
    this.#updatedAt = now;
    const excess = Math.min(this.#levelBytes, this.#levelBytes + bytes - this.#burstBytes);
    if (excess > 0) return Math.min(MAX_WAIT_MS, Math.ceil(excess / this.#bytesPerMs));
    this.#levelBytes += bytes;
    return 0;
  }

  /** `retry` is not called any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
