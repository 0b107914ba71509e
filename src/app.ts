import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { RateLimit } from "./access/rateLimit";
import { createStores } from "./backend";
import { ChatService, type Stores } from "./chat/chatService";
import { createSharedParts } from "./chat/sharedParts";
import type { Config } from "./config";
import { refuseOnSocket } from "./connections/refuseOnSocket";
import { Readiness } from "./http/readiness";
import { serveInTurns } from "./http/requestTurns";
import { createHttpApp, HTTP_SERVER_OPTIONS } from "./http/routes";
import { createLogger, type Logger } from "./observability/logger";
import { REFUSALS } from "./protocol/refusals";

const IDLE_SOCKET_TIMEOUT_MS = 60_000; // longer than a poll waits
const REQUESTS_GRACE_MS = 1_000; // for HTTP requests in flight once the chat has closed
// The parts stop one after another, within the 25 s after which main.ts ends the process.
const CHAT_STOPS_WITHIN_MS = 15_000;
const PART_STOPS_WITHIN_MS = 3_000; // the HTTP server, and meanwhile presence
const LOG_STOPS_WITHIN_MS = 5_000;
const OPENING_GRACE_MS = 2_000; // for a log that is opening: once open, it must be closed in order

/** The whole service: an Express app and a ChatService on one HTTP server. */
export class App {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #chat: ChatService;
  readonly #stores: Stores;
  readonly #readiness: Readiness;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: Config, logger: Logger = createLogger(config.logLevel)) {
    const parts = createSharedParts({ ...config, acceptableOrigins: config.allowedOrigins, logger });
    const stores = createStores(config, logger, parts);
    this.#config = config;
    this.#logger = logger;
    this.#stores = stores;
    this.#readiness = new Readiness(stores.messageLog);
    if (config.metricsToken !== undefined) parts.metrics.addProcessMetrics();
    const historyLimit = new RateLimit(config.historyPerSecond, config.historyBurst);
    const http = createHttpApp({ ...config, ...parts, ...stores, readiness: this.#readiness, historyLimit });
    this.#server = createServer(HTTP_SERVER_OPTIONS, http);
    this.#server.setTimeout(IDLE_SOCKET_TIMEOUT_MS);
    this.#server.on("clientError", (_error, socket) => refuseOnSocket(socket, REFUSALS.badRequest));
    const { replayOnConnect, limits } = config;
    this.#chat = new ChatService({ server: this.#server, ...stores, parts, replayOnConnect, limits });
    serveInTurns(this.#server, config.trustProxy);
  }

  /**
   * Listens first, so that `/readyz` can name what the start waits for, then opens the stores. Resolves with the port
   * once the service is ready, or once `stop()` has ended. Port 0 means a free port. Rejects when the port cannot be
   * bound (a system error) or the message log cannot be opened (a StoreError).
   */
  async start(): Promise<number> {
    this.#server.listen(this.#config.port, this.#config.host);
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    this.#logger.info({ port, url: `http://localhost:${String(port)}` }, "listening");
    try {
      await (this.#starting = this.#chat.start());
    } catch (error) {
      if (this.#stopping === undefined) {
        await this.#closeServer();
        throw error;
      }
    }
    if (this.#stopping === undefined) {
      this.#readiness.markServing();
      this.#logger.info("ready");
    } else await this.#stopping;
    return port;
  }

  /**
   * Drains: refuses new connections, writes out what is queued, closes all connections, whose clients reconnect, then
   * the stores. A part that fails, or takes longer than its share of 23 s, is logged and left; the others still stop.
   * Then this rejects with the first error.
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#readiness.markDraining();
    this.#logger.info("draining");
    const { presenceStore, nodeBus } = this.#stores;
    const errors: unknown[] = [];
    const stopPart = async (part: string, stop: () => Promise<void>, withinMs: number) => {
      try {
        await Promise.race([stop(), failAfter(withinMs)]);
      } catch (err) {
        errors.push(err);
        this.#logger.error({ part, err }, "stopping failed");
      }
    };
    // The server listens until the chat has closed: clients on long polling must fetch what is queued, and the close.
    await stopPart("chat", () => this.#chat.close(), CHAT_STOPS_WITHIN_MS);
    const presenceStopped = stopPart("presence", () => presenceStore.stop(), PART_STOPS_WITHIN_MS);
    await stopPart("HTTP server", () => this.#closeServer(), PART_STOPS_WITHIN_MS);
    await stopPart("message log", () => this.#stopLog(), LOG_STOPS_WITHIN_MS);
    await presenceStopped;
    await nodeBus?.stop();
    if (errors.length > 0) throw errors[0];
    this.#logger.info("stopped");
  }

  async #stopLog(): Promise<void> {
    const { messageLog } = this.#stores;
    await messageLog.stop(); // also ends a start that waits for Redis
    const started = this.#starting?.catch(() => undefined);
    await Promise.race([started, wait(OPENING_GRACE_MS, undefined, { ref: false })]);
    await messageLog.stop(); // the log may have opened meanwhile
  }

  async #closeServer(): Promise<void> {
    setTimeout(() => this.#server.closeAllConnections(), REQUESTS_GRACE_MS).unref();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function failAfter(ms: number): Promise<never> {
  await wait(ms, undefined, { ref: false });
  throw new Error(`not stopped within ${String(ms)} ms`);
}
