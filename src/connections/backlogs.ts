/** A write that the client has not taken, or a packet that no poll has fetched, after this time is a stall. */
export const STALL_TIMEOUT_MS = 10_000;

/** What waits for one connection. Times are monotonic ms. */
export interface Backlog {
  /** Bytes queued behind the write in flight, if any. */
  readonly queuedBytes: number;
  /** The queued bytes that count against `maxPendingBytes`. */
  readonly excessBytes: number;
  onQueued(bytes: number, now: number): void;
  /** The whole queue went to the transport. */
  onFlushed(now: number): void;
  /** Whether the client has not read for `STALL_TIMEOUT_MS`. */
  isStalled(now: number): boolean;
}

/** Websocket: one write is in flight, and later packets queue behind it. The client stalls when the write does not end. */
export class WebSocketBacklog implements Backlog {
  readonly #isWriting: () => boolean;
  #writtenAt: number;
  queuedBytes: number;

  constructor(isWriting: () => boolean, now: number, queuedBytes = 0) {
    this.#isWriting = isWriting;
    this.#writtenAt = now;
    this.queuedBytes = queuedBytes;
  }

  get excessBytes(): number {
    return this.queuedBytes;
  }

  onQueued(bytes: number): void {
    this.queuedBytes += bytes;
  }

  onFlushed(now: number): void {
    this.queuedBytes = 0;
    this.#writtenAt = now;
  }

  isStalled(now: number): boolean {
    return this.#isWriting() && now - this.#writtenAt > STALL_TIMEOUT_MS;
  }
}

/**
 * Long polling: packets queue until the next poll. An idle client without a poll does not stall: the time counts from
 * the first packet that waits. The largest packet does not count against the limit, because on websocket it would be the
 * write in flight.
 */
export class PollingBacklog implements Backlog {
  #largestBytes = 0;
  #waitingSince = 0;
  queuedBytes = 0;

  get excessBytes(): number {
    return this.queuedBytes - this.#largestBytes;
  }

  onQueued(bytes: number, now: number): void {
    if (this.queuedBytes === 0) this.#waitingSince = now;
    this.#largestBytes = Math.max(this.#largestBytes, bytes);
    this.queuedBytes += bytes;
  }

  onFlushed(): void {
    this.queuedBytes = 0;
    this.#largestBytes = 0;
  }

  isStalled(now: number): boolean {
    return this.queuedBytes > 0 && now - this.#waitingSince > STALL_TIMEOUT_MS;
  }
}
