import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import type { Authenticator } from "../access/authenticator";
import { Origins } from "../access/origins";
import { ClientEventLog, createLogger, type Logger } from "../observability/logger";
import type { MessageLog } from "../messageLog/messageLog";
import { Metrics } from "../observability/metrics";
import { MemoryPresenceStore } from "../presence/memoryPresenceStore";
import { PresenceBroadcaster } from "../delivery/presence/presenceBroadcaster";
import type { PresenceStore } from "../presence/presenceStore";
import type { ChatRoom } from "../protocol/payloads";
import { Admission } from "../connections/admission";
import { Audiences } from "../delivery/audiences";
import { Dispatcher } from "../incoming/dispatcher";
import { closeAll, drain } from "../connections/drain";
import { closeOrTerminate, type ChatIo, type ChatSocket, type Connection } from "../connections/engine";
import { atExpiry } from "../connections/expiry";
import { FanOut } from "../delivery/fanOut";
import { FloodGuard } from "../connections/floodGuard";
import { guardHandshake } from "../connections/handshake";
import { eventHandlers, type EventNames } from "../incoming/eventHandlers";
import { DEFAULT_LIMITS, FIXED_LIMITS, type ChatLimits } from "../connections/limits";
import type { NodeBus } from "../nodes/nodeBus";
import { RecentMessages } from "../delivery/recentMessages";
import { Replays } from "../delivery/replays";
import { DEFAULT_ROOMS, Rooms } from "../protocol/rooms";
import { SlowConsumers } from "../connections/slowConsumers";
import { TypingClients } from "../delivery/typingClients";

export interface ChatServiceOptions extends EventNames {
  /** The HTTP server to attach to; it stays the caller's, to listen and to close. */
  server: HttpServer;
  /** Where messages are kept; it stays the caller's, to stop, and is started by the service's `start()`. */
  messageLog: MessageLog;
  /** Who is present; it stays the caller's, to stop. Default: this process's clients alone. */
  presenceStore?: PresenceStore;
  /** Says who the clients are; undefined: whoever they say. */
  authenticator?: Authenticator | undefined;
  /** The way to other nodes, where there are any; it stays the caller's, to stop. */
  nodeBus?: NodeBus | undefined;
  /** Origins of the web pages that may connect, e.g. `https://chat.example.com`; `*` for any. */
  acceptableOrigins: readonly string[];
  /** How many messages of each room a client that cannot resume gets on connecting. */
  replayOnConnect?: number;
  chatRooms?: readonly ChatRoom[];
  /** How many proxies stand before the server; their forwarding headers count, no others. */
  trustProxy?: number;
  limits?: Partial<ChatLimits>;
  logger?: Logger;
  /** What the service counts into; one of its own by default. */
  metrics?: Metrics;
}

/**
 * The chat on one HTTP server: binds Socket.IO to it and serves every event of PROTOCOL.md from `start()` to
 * `close()`. Neither listens: that is the HTTP server's owner's to do, before `start()` or after.
 */
export class ChatService {
  readonly #io: ChatIo;
  readonly #log: ClientEventLog;
  readonly #rooms: Rooms;
  readonly #messageLog: MessageLog;
  readonly #metrics: Metrics;
  readonly #replays: Replays;
  readonly #recent = new RecentMessages();
  readonly #fanOut: FanOut;
  readonly #audiences: Audiences;
  readonly #typing: TypingClients;
  readonly #presence: PresenceStore;
  readonly #nodeBus: NodeBus | undefined;
  readonly #presenceBroadcaster: PresenceBroadcaster;
  readonly #admission: Admission;
  readonly #slowConsumers: SlowConsumers;
  readonly #floodGuard: FloodGuard;
  readonly #dispatcher: Dispatcher;
  /** open connection → its client's address */
  readonly #connections = new Map<Connection, string>();
  #closing: Promise<void> | undefined;

  constructor(options: ChatServiceOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const trustProxy = options.trustProxy ?? 0;
    const origins = new Origins(options.acceptableOrigins, trustProxy);
    this.#rooms = new Rooms(options.chatRooms ?? DEFAULT_ROOMS);
    this.#log = new ClientEventLog(options.logger ?? createLogger("silent"));
    this.#messageLog = options.messageLog;
    const metrics = options.metrics ?? new Metrics();
    this.#metrics = metrics;
    this.#replays = new Replays({
      messageLog: this.#messageLog,
      recent: this.#recent,
      rooms: this.#rooms,
      replayOnConnect: options.replayOnConnect ?? 0,
      log: this.#log,
      metrics,
    });
    this.#fanOut = new FanOut(metrics);
    this.#slowConsumers = new SlowConsumers(limits.maxPendingBytes, (conn, queuedBytes) => {
      metrics.slowConsumersCut.inc();
      this.#log.warn("slow consumer cut", { ip: this.#connections.get(conn), queuedBytes });
    });
    this.#audiences = new Audiences(this.#fanOut, (conn) => this.#slowConsumers.isBehind(conn));
    this.#nodeBus = options.nodeBus;
    this.#typing = new TypingClients(this.#audiences.typing, this.#rooms, this.#nodeBus);
    this.#presence = options.presenceStore ?? new MemoryPresenceStore(this.#rooms.names());
    this.#presenceBroadcaster = new PresenceBroadcaster({
      store: this.#presence,
      fanOut: this.#fanOut,
      bytesPerSecond: limits.presenceBytesPerSecond,
      burstBytes: limits.presenceBurstBytes,
      metrics,
    });
    this.#floodGuard = new FloodGuard((conn) => {
      metrics.floodersClosed.inc();
      this.#log.warn("flooding client closed", { ip: this.#connections.get(conn) });
    });
    const incoming = eventHandlers(options, limits, {
      rooms: this.#rooms,
      log: this.#messageLog,
      store: this.#presence,
      typing: this.#typing,
      metrics,
    });
    this.#dispatcher = new Dispatcher({ incoming, floodGuard: this.#floodGuard, log: this.#log, metrics });
    this.#admission = new Admission({ origins, trustProxy, limits, log: this.#log, metrics });
    this.#io = this.#attach(options);
    metrics.add({
      connections: () => this.#connections.keys(),
      pendingBytes: () => this.#slowConsumers.queuedBytes,
    });
  }

  /**
   * Starts the message log, and with it delivery; then lets clients in, who are refused before. Rejects with a
   * StoreError when the log cannot be used.
   */
  async start(): Promise<void> {
    this.#nodeBus?.start();
    this.#presence.start({
      onChange: (changes) => {
        if (this.#closing === undefined) this.#presenceBroadcaster.changed(changes);
      },
      onNodeGone: (nodeId) => this.#typing.nodeGone(nodeId),
    });
    await this.#messageLog.start(
      (message, isMoreComing) => {
        this.#recent.add(message);
        this.#fanOut.expectMore(isMoreComing);
        this.#audiences.deliver(message);
      },
      () => void this.#onGap(),
    );
    if (this.#closing === undefined) this.#admission.open();
  }

  /** Stops taking connections, delivers what was accepted, closes all. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#admission.close();
    this.#presenceBroadcaster.stop();
    await drain(() => [...this.#connections.keys()], this.#answer);
    this.#slowConsumers.stop();
    this.#io.engine.close();
  }

  /** Before connections are closed: they get the answers to what they have sent, and no more is taken of them. */
  readonly #answer = async (connections: readonly Connection[]): Promise<void> => {
    await this.#dispatcher.retire(connections);
    this.#fanOut.flush();
  };

  #leave(conn: Connection): void {
    this.#audiences.leave(conn);
    this.#presenceBroadcaster.leave(conn);
  }

  /** Everybody has missed something. They hear no more, so that on coming back they are told to read history. */
  async #onGap(): Promise<void> {
    this.#fanOut.flush();
    this.#recent.clear(); // nor may a replay under way step over what is missing
    const connections = [...this.#connections.keys()];
    for (const conn of connections) this.#leave(conn);
    await closeAll(connections);
  }

  #attach({ server, authenticator }: ChatServiceOptions): ChatIo {
    const io: ChatIo = new Server(server, {
      allowEIO3: true,
      serveClient: false,
      connectTimeout: FIXED_LIMITS.connectDeadline,
      maxHttpBufferSize: FIXED_LIMITS.maxFrameBytes,
      pingInterval: FIXED_LIMITS.pingInterval,
      pingTimeout: FIXED_LIMITS.pingTimeout,
      perMessageDeflate: false,
      httpCompression: false,
    });
    this.#admission.guard(server, io.engine);
    io.engine.on("connection", (conn: Connection) => this.#onConnection(conn));
    guardHandshake(io, { authenticator, log: this.#log, metrics: this.#metrics });
    io.on("connection", (socket) => this.#onSocket(socket));
    return io;
  }

  #onConnection(conn: Connection): void {
    this.#connections.set(conn, this.#admission.count(conn));
    conn.once("close", () => this.#connections.delete(conn));
    this.#slowConsumers.watch(conn);
    this.#floodGuard.watch(conn);
  }

  #onSocket(socket: ChatSocket): void {
    const { conn, id, data } = socket;
    const ip = this.#connections.get(conn);
    this.#log.info("connected", { id, ip, transport: conn.transport.name, protocol: conn.protocol });
    this.#dispatcher.serve(socket);
    socket.on("disconnect", (reason) => this.#onDisconnect(socket, reason));
    this.#presenceBroadcaster.join(conn, data);
    this.#audiences.joinTyping(conn, data);
    this.#replays.begin(socket, () => {
      if (conn.readyState === "open") this.#audiences.joinMessages(conn, data);
    });
    atExpiry(conn, data.identity?.expiresAt ?? Infinity, () => void this.#onExpired(socket));
  }

  /** The client comes back by itself, with a new token if it has one. */
  async #onExpired({ id, conn }: ChatSocket): Promise<void> {
    this.#log.info("token expired", { id });
    await this.#answer([conn]);
    closeOrTerminate(conn);
  }

  #onDisconnect({ id, conn, data }: ChatSocket, reason: string): void {
    this.#log.info("disconnected", { id, reason });
    this.#leave(conn);
    this.#typing.vanished(conn);
    this.#presence.remove(data.id);
    // A client may leave the namespace and keep the connection, but there is nothing left to do on it.
    closeOrTerminate(conn);
  }
}
