import { PollingBacklog, WebSocketBacklog, type Backlog } from "./backlogs";
import { terminate, webSocketOf, type Connection, type EnginePacket } from "./engine";

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

  /** Keeps account of the connection's queue until it closes. */
  watch(conn: Connection): void {
    this.#backlogs.set(conn, this.#newBacklog(conn));
    conn.on("upgrade", () => this.#backlogs.set(conn, this.#newBacklog(conn)));
    conn.on("packetCreate", (packet: EnginePacket) => this.#onPacket(conn, packet));
    // The whole queue goes to the transport, which takes it only once the write before is done.
    conn.on("flush", () => this.#backlogs.get(conn)?.onFlushed(this.#now));
    conn.once("close", () => this.#backlogs.delete(conn));
  }

  /** Whether so much waits for the client that best-effort events should be left out. */
  isBehind(conn: Connection): boolean {
    return (this.#backlogs.get(conn)?.queuedBytes ?? 0) > this.#maxPendingBytes * BEHIND_FRACTION;
  }

  /** Bytes that wait, for all clients together. */
  get queuedBytes(): number {
    let sum = 0;
    for (const { queuedBytes } of this.#backlogs.values()) sum += queuedBytes;
    return sum;
  }

  /** Stops the sweep. */
  stop(): void {
    clearInterval(this.#sweep);
  }

  #newBacklog(conn: Connection): Backlog {
    if (webSocketOf(conn) === undefined) return new PollingBacklog();
    const { queuedBytes } = this.#backlogs.get(conn) ?? { queuedBytes: 0 };
    return new WebSocketBacklog(() => !conn.transport.writable, this.#now, queuedBytes);
  }

  #onPacket(conn: Connection, packet: EnginePacket): void {
    if (conn.transport.writable) return; // the packet is written in this very call
    const backlog = this.#backlogs.get(conn);
    if (backlog === undefined) return; // being terminated
    backlog.onQueued(bytesOf(packet), this.#now);
    if (backlog.excessBytes > this.#maxPendingBytes) this.#terminate(conn, backlog);
  }

  #terminateStalled(): void {
    this.#now = performance.now();
    for (const [conn, backlog] of this.#backlogs)
      if (backlog.isStalled(this.#now)) this.#terminate(conn, backlog);
  }

  #terminate(conn: Connection, { queuedBytes }: Backlog): void {
    this.#backlogs.delete(conn);
    this.#onSlow(conn, queuedBytes);
    terminate(conn);
  }
}

function bytesOf({ data, options }: EnginePacket): number {
  const frame = options?.wsPreEncodedFrame?.[0];
  if (frame !== undefined) return frame.length;
  return data === undefined ? 0 : Buffer.byteLength(data);
}
