import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RateLimit } from "./access/rateLimit";
import { createStores } from "./backend";
import { ChatService, type Stores } from "./chat/chatService";
import { createSharedParts } from "./chat/sharedParts";
import type { Config } from "./config";
import { refuseOnSocket } from "./connections/refuseOnSocket";
import { Readiness } from "./http/readiness";
import { createHttpApp, HTTP_SERVER_OPTIONS } from "./http/routes";
import { createLogger, type Logger } from "./observability/logger";
import { REFUSALS } from "./protocol/refusals";

const IDLE_SOCKET_TIMEOUT_MS = 60_000; // longer than a poll waits; closes clients that do not read their answer
const REQUESTS_GRACE_MS = 2_000; // for HTTP requests in flight once the chat has closed

/** The whole service: an Express app and a ChatService on one HTTP server. */
export class App {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #chat: ChatService;
  readonly #stores: Stores;
  readonly #readiness: Readiness;
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
      await this.#chat.start();
    } catch (error) {
      if (this.#stopping === undefined) {
        await this.#closeServer();
        throw error;
      }
    }
    if (this.#stopping === undefined) {
      this.#readiness.markServing();
      this.#logger.info("ready");
    } else {
      await this.#stopping;
      await this.#stores.messageLog.stop(); // the log may have opened after `stop()` stopped it
    }
    return port;
  }

  /** Drains: refuses new connections, writes out what is queued, closes all connections. Their clients reconnect. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#readiness.markDraining();
    this.#logger.info("draining");
    // The server listens until the chat has closed: clients on long polling must fetch what is queued, and the close.
    await this.#chat.close();
    await this.#closeServer();
    const { messageLog, presenceStore, nodeBus } = this.#stores;
    await Promise.all([messageLog.stop(), presenceStore.stop()]);
    await nodeBus?.stop();
    this.#logger.info("stopped");
  }

  async #closeServer(): Promise<void> {
    setTimeout(() => this.#server.closeAllConnections(), REQUESTS_GRACE_MS).unref();
    this.#server.close();
    await once(this.#server, "close");
  }
}
