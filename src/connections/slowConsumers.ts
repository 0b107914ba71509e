import { FIXED_LIMITS } from "./limits";
import { terminate, webSocketOf, type Connection, type EnginePacket } from "./engine";

const SWEEP_INTERVAL = 1_000; // ms
const BEHIND = 16; // the share of maxPendingBytes that may wait before best-effort events are left out: 1/16

/** What waits for one connection. */
interface Backlog {
  /** Bytes queued behind the write in flight, if any. */
  queuedBytes: number;
  /** On long polling: bytes of the largest packet that waits for a poll. */
  largestBytes: number;
  /** When the oldest unread write was handed over, by the sweep's clock, ms. */
  waitingSince: number;
}

/**
 * Cuts connections whose clients do not read: more than `maxPendingBytes` queued, or a write not taken for
 * 10 s. The queue counts everything, broadcasts, acks and pongs alike. The write in flight does not count, nor on
 * long polling the largest packet that waits for a poll: one batch, or one list of everybody, larger than the limit
 * must not cut clients that are only a network away.
 */
export class SlowConsumers {
  readonly #backlogs = new Map<Connection, Backlog>();
  readonly #maxPendingBytes: number;
  readonly #onCut: (conn: Connection, queuedBytes: number) => void;
  readonly #sweep: NodeJS.Timeout;
  #now = Date.now(); // read once per sweep: a clock per packet would cost more than it tells

  constructor(maxPendingBytes: number, onCut: (conn: Connection, queuedBytes: number) => void) {
    this.#maxPendingBytes = maxPendingBytes;
    this.#onCut = onCut;
    this.#sweep = setInterval(() => this.#cutUndrained(), SWEEP_INTERVAL).unref();
  }

  watch(conn: Connection): void {
    const backlog: Backlog = { queuedBytes: 0, largestBytes: 0, waitingSince: this.#now };
    this.#backlogs.set(conn, backlog);
    conn.on("packetCreate", (packet: EnginePacket) => this.#queued(conn, backlog, packet));
    // Emitted when the whole queue goes to the transport, which takes it only once the write before is done.
    conn.on("flush", () => {
      backlog.queuedBytes = 0;
      backlog.largestBytes = 0;
      backlog.waitingSince = this.#now;
    });
    conn.once("close", () => this.#backlogs.delete(conn));
  }

  /** Whether a good part of what may wait for the client is waiting. */
  isBehind(conn: Connection): boolean {
    return (this.#backlogs.get(conn)?.queuedBytes ?? 0) > this.#maxPendingBytes / BEHIND;
  }

  /** Bytes that wait, for all clients together. */
  get queuedBytes(): number {
    let sum = 0;
    for (const { queuedBytes } of this.#backlogs.values()) sum += queuedBytes;
    return sum;
  }

  stop(): void {
    clearInterval(this.#sweep);
  }

  #queued(conn: Connection, backlog: Backlog, packet: EnginePacket): void {
    if (conn.transport.writable) return; // goes out in this very call
    const bytes = bytesOf(packet);
    if (webSocketOf(conn) === undefined) {
      // Long polling without a poll is not yet a stall: there the wait begins with the first packet.
      if (backlog.queuedBytes === 0) backlog.waitingSince = this.#now;
      backlog.largestBytes = Math.max(backlog.largestBytes, bytes);
    }
    backlog.queuedBytes += bytes;
    if (backlog.queuedBytes - backlog.largestBytes > this.#maxPendingBytes) this.#cut(conn, backlog);
  }

  #cutUndrained(): void {
    this.#now = Date.now();
    for (const [conn, backlog] of this.#backlogs) {
      const isWaiting =
        backlog.queuedBytes > 0 || (webSocketOf(conn) !== undefined && !conn.transport.writable);
      if (isWaiting && this.#now - backlog.waitingSince > FIXED_LIMITS.undrainedDeadline)
        this.#cut(conn, backlog);
    }
  }

  #cut(conn: Connection, backlog: Backlog): void {
    if (!this.#backlogs.delete(conn)) return;
    this.#onCut(conn, backlog.queuedBytes);
    terminate(conn);
  }
}

function bytesOf({ data, options }: EnginePacket): number {
  const frame = options?.wsPreEncodedFrame?.[0];
  if (frame !== undefined) return frame.length;
  return data === undefined ? 0 : Buffer.byteLength(data);
}
