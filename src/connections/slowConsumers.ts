import { terminate, webSocketOf, type Connection, type EnginePacket } from "./engine";

/** A write that the client has not taken, or a packet that no poll has fetched, after this time is a stall. */
export const STALL_TIMEOUT_MS = 10_000;
const SWEEP_INTERVAL_MS = 1_000;
/** The share of `maxPendingBytes` that may wait for a client before it is left out of best-effort events. */
const BEHIND_FRACTION = 1 / 16;

/**
 * Terminates connections whose clients do not read: those with more than `maxPendingBytes` queued, and those that have
 * not taken a write for 10 s. The queue counts everything: broadcasts, acks and pongs. The write in flight does not
 * count: a client on a slow network must survive one batch or one presence snapshot that is larger than the limit.
 */
export class SlowConsumers {
  readonly #backlogs = new Map<Connection, Backlog>();
  readonly #maxPendingBytes: number;
  readonly #onSlow: (conn: Connection, queuedBytes: number) => void;
  readonly #sweep: NodeJS.Timeout;
  #now = performance.now(); // read once per sweep: exact enough, and a clock per packet would cost more

  /** `onSlow` is called before a connection is terminated. */
  constructor(maxPendingBytes: number, onSlow: (conn: Connection, queuedBytes: number) => void) {
    this.#maxPendingBytes = maxPendingBytes;
    this.#onSlow = onSlow;
    this.#sweep = setInterval(() => this.#terminateStalled(), SWEEP_INTERVAL_MS).unref();
  }

  watch(conn: Connection): void {
    const isPolling = webSocketOf(conn) === undefined;
    const backlog = new Backlog(isPolling, this.#now);
    this.#backlogs.set(conn, backlog);
    if (isPolling) conn.on("upgrade", () => backlog.onUpgraded(this.#now));
    conn.on("packetCreate", (packet: EnginePacket) => this.#onPacket(conn, backlog, packet));
    // The whole queue goes to the transport, which takes it only once the write before is done.
    conn.on("flush", () => backlog.onFlushed(this.#now));
    conn.once("close", () => this.#backlogs.delete(conn));
  }

  /** Whether so much waits for the client that best-effort events should be left out. */
  isBehind(conn: Connection): boolean {
    return (this.#backlogs.get(conn)?.queuedBytes ?? 0) > this.#maxPendingBytes * BEHIND_FRACTION;
  }

  get queuedBytes(): number {
    return [...this.#backlogs.values()].reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
  }

  stop(): void {
    clearInterval(this.#sweep);
  }

  #onPacket(conn: Connection, backlog: Backlog, { data, options }: EnginePacket): void {
    if (conn.transport.writable) return; // the packet is written in this very call
    const bytes = options?.wsPreEncodedFrame?.[0]?.length ?? Buffer.byteLength(data ?? "");
    backlog.onQueued(bytes, this.#now);
    if (backlog.excessBytes > this.#maxPendingBytes) this.#terminate(conn, backlog);
  }

  #terminateStalled(): void {
    this.#now = performance.now();
    for (const [conn, backlog] of this.#backlogs)
      if (backlog.isStalled(this.#now, !conn.transport.writable)) this.#terminate(conn, backlog);
  }

  #terminate(conn: Connection, { queuedBytes }: Backlog): void {
    if (!this.#backlogs.delete(conn)) return; // being terminated
    this.#onSlow(conn, queuedBytes);
    terminate(conn);
  }
}

/**
 * What waits for one connection. On websocket one write is in flight, and later packets queue behind it; the client
 * stalls when the write does not end. On long polling packets queue until the next poll; the client stalls when no poll
 * fetches the first of them. An idle client without a poll does not stall. Times are monotonic ms.
 */
export class Backlog {
  #isPolling: boolean;
  /** When the write in flight began, or on long polling when the first packet was queued; undefined: none was. */
  #waitingSince: number | undefined;
  #largestBytes = 0;
  /** Bytes queued behind the write in flight, if any. */
  queuedBytes = 0;

  constructor(isPolling: boolean, now: number) {
    this.#isPolling = isPolling;
    if (!isPolling) this.#waitingSince = now;
  }

  onUpgraded(now: number): void {
    this.#isPolling = false;
    this.#waitingSince = now;
  }

  /**
   * The queued bytes that count against `maxPendingBytes`. On long polling the largest packet does not, because on
   * websocket it would be the write in flight.
   */
  get excessBytes(): number {
    return this.queuedBytes - (this.#isPolling ? this.#largestBytes : 0);
  }

  onQueued(bytes: number, now: number): void {
    if (bytes > 0) this.#waitingSince ??= now; // a ping, which has no data, may wait for the ping timeout
    this.#largestBytes = Math.max(this.#largestBytes, bytes);
    this.queuedBytes += bytes;
  }

  /** The whole queue went to the transport. */
  onFlushed(now: number): void {
    this.#waitingSince = this.#isPolling ? undefined : now;
    this.#largestBytes = 0;
    this.queuedBytes = 0;
  }

  /** Whether the client has not read for `STALL_TIMEOUT_MS`. `isBlocked`: the transport cannot take packets now. */
  isStalled(now: number, isBlocked: boolean): boolean {
    return isBlocked && now - (this.#waitingSince ?? now) > STALL_TIMEOUT_MS;
  }
}
