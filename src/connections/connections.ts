import type { Server as HttpServer } from "node:http";
import type { Origins } from "../access/origins";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { Admission } from "./admission";
import { closeAll, drain } from "./drain";
import type { ChatIo, Connection } from "./engine";
import { FloodGuard } from "./floodGuard";
import type { ChatLimits } from "./limits";
import { SlowConsumers } from "./slowConsumers";

export interface ConnectionsDeps {
  origins: Origins;
  trustProxy: number;
  limits: ChatLimits;
  log: ClientEventLog;
  metrics: Metrics;
}

/** The open Engine.IO connections of this node: admitted, watched for floods and unread data, and closed. */
export class Connections {
  readonly #admission: Admission;
  readonly #slowConsumers: SlowConsumers;
  readonly #floodGuard: FloodGuard;
  /** open connection → the address of its client */
  readonly #addresses = new Map<Connection, string>();

  constructor(deps: ConnectionsDeps) {
    const { log, metrics, limits } = deps;
    this.#admission = new Admission(deps);
    this.#slowConsumers = new SlowConsumers(limits.maxPendingBytes, (conn, queuedBytes) => {
      metrics.slowConsumersCut.inc();
      log.warn("slow consumer cut", { ip: this.addressOf(conn), queuedBytes });
    });
    this.#floodGuard = new FloodGuard((conn) => {
      metrics.floodersClosed.inc();
      log.warn("flooding client closed", { ip: this.addressOf(conn) });
    });
    metrics.addGauges({
      connections: () => this.#addresses.keys(),
      pendingBytes: () => this.#slowConsumers.queuedBytes,
    });
  }

  /** Guards the Engine.IO of the HTTP server, and watches each connection from its first packet. */
  attach(server: HttpServer, { engine }: ChatIo): void {
    this.#admission.guard(server, engine);
    engine.on("connection", (conn: Connection) => {
      this.#addresses.set(conn, this.#admission.count(conn));
      conn.once("close", () => this.#addresses.delete(conn));
      this.#slowConsumers.watch(conn);
      this.#floodGuard.watch(conn);
    });
  }

  /** Admits new connections from now on. */
  open(): void {
    this.#admission.open();
  }

  /** Admits no more connections; those that are open stay. */
  refuseNew(): void {
    this.#admission.close();
  }

  list(): Connection[] {
    return [...this.#addresses.keys()];
  }

  /** Undefined for a connection that has closed. */
  addressOf(conn: Connection): string | undefined {
    return this.#addresses.get(conn);
  }

  /** Whether so much waits for the client that best-effort events are not sent to it. */
  isBehind(conn: Connection): boolean {
    return this.#slowConsumers.isBehind(conn);
  }

  /** Counts a refused or useless packet against the connection, and closes it when there were too many. */
  strike(conn: Connection): void {
    this.#floodGuard.strike(conn);
  }

  /** Closes all connections; their clients reconnect. `prepare` gets each batch of them before it is closed. */
  async drain(prepare: (batch: readonly Connection[]) => Promise<void>): Promise<void> {
    await drain(() => this.list(), prepare);
    this.#slowConsumers.stop();
  }

  /** Closes the connections that are open now, in batches, without preparation. New ones are still admitted. */
  async closeAll(): Promise<void> {
    await closeAll(this.list());
  }
}
