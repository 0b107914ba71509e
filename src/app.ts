import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Authenticator } from "./access/authenticator";
import { createBackend, type Backend } from "./backend";
import { ChatService } from "./chat/chatService";
import { RateLimit } from "./access/rateLimit";
import { Rooms } from "./protocol/rooms";
import type { Config } from "./config";
import { createHttpApp } from "./http/routes";
import { HTTP_LIMITS } from "./http/serverLimits";
import { refuseOnSocket } from "./connections/refuseOnSocket";
import { REFUSALS } from "./protocol/refusals";
import { Origins } from "./access/origins";
import { ClientEventLog, createLogger, type Logger } from "./observability/logger";
import { Metrics } from "./observability/metrics";
import { Readiness } from "./http/readiness";

const IDLE_SOCKET_TIMEOUT = 60_000; // ms; for clients that leave an answer unread, longer than any poll hangs
const REQUESTS_GRACE = 2_000; // ms for requests in flight once the chat has closed

/** The whole service: an Express app and a ChatService on one HTTP server. */
export class App {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #chat: ChatService;
  readonly #backend: Backend;
  readonly #readiness: Readiness;
  #stopping: Promise<void> | undefined;

  constructor(config: Config, logger: Logger = createLogger(config.logLevel)) {
    this.#config = config;
    this.#logger = logger;
    const { allowedOrigins, trustProxy, chatRooms, limits } = config;
    const metrics = new Metrics();
    this.#backend = createBackend(config, logger, metrics);
    const { messageLog } = this.#backend;
    this.#readiness = new Readiness(messageLog);
    if (config.metricsToken !== undefined) metrics.addProcess();
    const log = new ClientEventLog(logger);
    const rooms = new Rooms(chatRooms);
    const authenticator = config.auth && new Authenticator({ ...config.auth, rooms: rooms.names(), log });
    const http = createHttpApp({
      rooms,
      messageLog,
      authenticator,
      chatPage: config.chatPage,
      readiness: this.#readiness,
      metrics,
      metricsToken: config.metricsToken,
      historyLimit: new RateLimit(config.historyPerSecond, config.historyBurst),
      origins: new Origins(allowedOrigins, trustProxy),
      trustProxy,
      log,
    });
    this.#server = createServer(HTTP_LIMITS, http);
    this.#server.setTimeout(IDLE_SOCKET_TIMEOUT);
    this.#server.on("clientError", (_error, socket) => refuseOnSocket(socket, REFUSALS.badRequest));
    this.#chat = new ChatService({
      server: this.#server,
      ...this.#backend,
      authenticator,
      replayOnConnect: config.replayOnConnect,
      acceptableOrigins: allowedOrigins,
      chatRooms,
      trustProxy,
      limits,
      logger,
      metrics,
    });
  }

  /**
   * Listens, so that whoever asks can be told what it waits for, then opens the log; resolves once ready, or
   * stopped before it was. Rejects when the port or the log cannot be had. Returns the port, which is a free one
   * for port 0.
   */
  async start(): Promise<number> {
    const port = await this.#listen();
    try {
      await this.#chat.start();
    } catch (error) {
      if (this.#stopping === undefined) {
        await this.#closeServer();
        throw error;
      }
    }
    if (this.#stopping === undefined) {
      this.#readiness.serving();
      this.#logger.info("ready");
    } else {
      await this.#stopping;
      await this.#backend.messageLog.stop(); // it was opened after it had been told to close
    }
    return port;
  }

  async #listen(): Promise<number> {
    this.#server.listen(this.#config.port, this.#config.host);
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    this.#logger.info({ port, url: `http://localhost:${String(port)}` }, "listening");
    return port;
  }

  /** Drains: no new connections, queues flushed, clients sent off to reconnect elsewhere. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#readiness.draining();
    this.#logger.info("draining");
    // Still listening, so that clients on long polling can come for what is queued and for the close.
    await this.#chat.close();
    await this.#closeServer();
    const { messageLog, presenceStore, nodeBus } = this.#backend;
    await Promise.all([messageLog.stop(), presenceStore.stop()]);
    await nodeBus?.stop();
    this.#logger.info("stopped");
  }

  async #closeServer(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    const giveUp = setTimeout(() => this.#server.closeAllConnections(), REQUESTS_GRACE);
    await closed;
    clearTimeout(giveUp);
  }
}
