import type { Server as HttpServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { Admission, type ConnectionsDeps } from "./admission";
import { canSendClose, CLOSE_GRACE_MS, limitCloseTime, terminate } from "./engine";
import type { ChatIo, Connection } from "./engine";
import { FloodGuard } from "./floodGuard";
import { SlowConsumers } from "./slowConsumers";

const MAX_BATCHES = 20;
const MIN_BATCH_SIZE = 100; // connections
const PAUSE_MS = 100; // between batches
const BATCHES_DEADLINE_MS = 6_000; // for batches; what is left then is one batch
const POLL_INTERVAL_MS = 10;
/** Connections whose client has sent no CONNECT. A client sends it at once, so the oldest of many is no honest one. */
export const MAX_WITHOUT_CONNECT = 2_000;

type Prepare = (batch: readonly Connection[]) => Promise<void>;

/** The open Engine.IO connections of this node: admitted, watched for floods and unread data, and closed. */
export class Connections {
  readonly slowConsumers: SlowConsumers;
  readonly floodGuard: FloodGuard;
  readonly #admission: Admission;
  /** open connection → the address of its client */
  readonly #addresses = new Map<Connection, string>();
  /** Open connections without CONNECT, oldest first. */
  readonly #withoutConnect = new Set<Connection>();

  constructor(deps: ConnectionsDeps) {
    const { log, metrics, limits } = deps;
    this.#admission = new Admission(deps);
    this.slowConsumers = new SlowConsumers(limits.maxPendingBytes, (conn, queuedBytes) => {
      metrics.slowConsumersCut.inc();
      log.warn("slow consumer cut", { ip: this.addressOf(conn), queuedBytes });
    });
    this.floodGuard = new FloodGuard((conn) => {
      metrics.floodersClosed.inc();
      log.warn("flooding client closed", { ip: this.addressOf(conn) });
    });
    metrics.addGauges({
      connections: () => this.#addresses.keys(),
      pendingBytes: () => this.slowConsumers.queuedBytes,
    });
  }

  attach(server: HttpServer, { engine }: ChatIo): void {
    this.#admission.guard(server, engine);
    engine.on("connection", (conn: Connection) => {
      this.#addresses.set(conn, this.#admission.track(conn));
      conn.once("close", () => {
        this.#addresses.delete(conn);
        this.#withoutConnect.delete(conn);
      });
      this.#awaitConnect(conn);
      limitCloseTime(conn);
      this.slowConsumers.watch(conn);
      this.floodGuard.watch(conn);
    });
  }

  /** The client has sent CONNECT and was accepted. */
  onConnected(conn: Connection): void {
    this.#withoutConnect.delete(conn);
  }

  open(): void {
    this.#admission.isOpen = true;
  }

  /** Admits no more connections; those that are open stay. */
  refuseNew(): void {
    this.#admission.isOpen = false;
  }

  list(): Connection[] {
    return [...this.#addresses.keys()];
  }

  /** Undefined for a connection that has closed. */
  addressOf(conn: Connection): string | undefined {
    return this.#addresses.get(conn);
  }

  /**
   * Closes connections until none is left, nor a websocket's socket. Takes at most 8 s and the time of two preparations.
   * `prepare` finishes what is in flight on a batch before the batch is closed.
   */
  async drain(prepare: Prepare): Promise<void> {
    const { upgradedSockets } = this.#admission;
    await this.#closeInBatches(prepare);
    const deadline = performance.now() + CLOSE_GRACE_MS;
    while (this.#addresses.size + upgradedSockets.size > 0 && performance.now() < deadline) {
      closeReachable(this.list()); // more clients on long polling have sent a poll by now
      await wait(POLL_INTERVAL_MS);
    }
    this.list().forEach(terminate);
    for (const socket of upgradedSockets) socket.destroy();
    this.slowConsumers.stop();
  }

  /** Closes the connections that are open now, also those that do not answer the close. New ones are still admitted. */
  async closeAll(): Promise<void> {
    const closing = await this.#closeInBatches();
    for (const conn of closing) if (conn.readyState !== "closed") terminate(conn);
  }

  #awaitConnect(conn: Connection): void {
    this.#withoutConnect.add(conn);
    const [oldest] = this.#withoutConnect;
    if (oldest === undefined || this.#withoutConnect.size <= MAX_WITHOUT_CONNECT) return;
    this.#withoutConnect.delete(oldest); // its `close` may come in a later turn
    terminate(oldest);
  }

  /**
   * Closes Engine.IO connections, not sockets: after a Socket.IO `disconnect()` clients do not reconnect, after a closed
   * transport they do. It works in batches, so that the clients do not all reconnect to other nodes at once.
   */
  async #closeInBatches(prepare?: Prepare): Promise<Connection[]> {
    const all = this.list();
    const batchSize = Math.max(MIN_BATCH_SIZE, Math.ceil(all.length / MAX_BATCHES));
    const deadline = performance.now() + BATCHES_DEADLINE_MS;
    let batch: Connection[];
    for (let start = 0; start < all.length; start += batch.length) {
      if (start > 0) await wait(PAUSE_MS);
      batch = all.slice(start, performance.now() < deadline ? start + batchSize : undefined);
      await prepare?.(batch);
      closeReachable(batch);
    }
    return all;
  }
}

function closeReachable(connections: readonly Connection[]): void {
  connections.filter(canSendClose).forEach((conn) => conn.close());
}
