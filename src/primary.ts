import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setupMaster } from "@socket.io/sticky";
import { answerForMetrics } from "./clusterMetrics";
import { keepUnreadForWorkers } from "./handOver";
import { HTTP_LIMITS } from "./http/limits";
import type { Config } from "./config";
import type { Logger } from "./logger";

/** What a worker tells its primary. */
export type WorkerMessage = { type: "worker:ready" } | { type: "worker:draining" };

/** By this property `@socket.io/sticky` (2.0) finds the worker with the fewest connections. */
type StickyWorker = Worker & { clientsCount?: number };

const RESTART_DELAY = 250; // ms after the first death, doubled with each further one
const MAX_RESTART_DELAY = 30_000; // ms
const STABLE_AFTER = 60_000; // ms that a worker must live for its death to count as the first again

/**
 * Runs `workers` processes of the service on one port: it takes the connections and hands each to a worker, all
 * of a polling session to the same one. The workers are nodes like any others and share their state in Redis.
 */
export class Primary {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #restarts = new Set<NodeJS.Timeout>();
  #deaths = 0; // one soon after the other
  #stopping: Promise<void> | undefined;

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    this.#server = createServer(HTTP_LIMITS);
  }

  /** Listens and starts the workers. Rejects when the port cannot be had; returns it. */
  async start(): Promise<number> {
    cluster.setupPrimary({ serialization: "advanced" }); // request bodies go to workers as they are, not as JSON
    answerForMetrics();
    setupMaster(this.#server, { loadBalancingMethod: "least-connection" });
    keepUnreadForWorkers(this.#server);
    this.#server.listen(this.#config.port, this.#config.host);
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    this.#logger.info({ port, url: `http://localhost:${String(port)}` }, "listening");
    const ready = Array.from({ length: this.#config.workers }, () => this.#fork());
    await Promise.race(ready);
    this.#logger.info({ workers: this.#config.workers }, "ready");
    return port;
  }

  /** Drains all workers, for whom it goes on taking connections: polling clients come to hear of their end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#logger.info("draining");
    this.#restarts.forEach((restart) => clearTimeout(restart));
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    await Promise.all(
      workers.map(async (worker) => {
        const exited = once(worker, "exit");
        worker.process.kill("SIGTERM");
        await exited;
      }),
    );
    this.#server.close();
    this.#server.closeAllConnections();
    this.#logger.info("stopped");
  }

  /** Resolves once the worker takes clients. */
  #fork(): Promise<void> {
    const worker: StickyWorker = cluster.fork();
    const startedAt = performance.now();
    worker.clientsCount = Infinity; // nobody is sent to one that would refuse
    worker.once("exit", (code, signal) => this.#onExit(worker, { code, signal, lived: performance.now() - startedAt })); // prettier-ignore
    return new Promise((resolve) => {
      worker.on("message", ({ type }: WorkerMessage) => {
        if (type === "worker:draining") worker.clientsCount = Infinity;
        if (type !== "worker:ready") return;
        worker.clientsCount = 0;
        resolve();
      });
    });
  }

  #onExit({ id }: Worker, how: { code: number; signal: string; lived: number }): void {
    if (this.#stopping !== undefined) return;
    this.#deaths = how.lived > STABLE_AFTER ? 1 : this.#deaths + 1;
    const delay = Math.min(RESTART_DELAY * 2 ** (this.#deaths - 1), MAX_RESTART_DELAY);
    this.#logger.error(
      { worker: id, code: how.code, signal: how.signal, delay },
      "worker died, starting another",
    );
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      void this.#fork();
    }, delay);
    this.#restarts.add(restart);
  }
}
