import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import { Origins } from "../http/origins";
import { ClientEventLog, createLogger, type Logger } from "../logger";
import { StoreError, type MessageLog } from "../messageLog/messageLog";
import { MemoryPresenceStore } from "../presence/memoryPresenceStore";
import { PresenceBroadcaster } from "../presence/presenceBroadcaster";
import type { PresenceStore } from "../presence/presenceStore";
import { EVENTS } from "../protocol/events";
import type { ChatRoom } from "../protocol/payloads";
import { Admission } from "./admission";
import { Audiences } from "./audiences";
import { Dispatcher } from "./dispatcher";
import { closeInBatches, drain } from "./drain";
import { closeOrTerminate, terminate, type ChatIo, type Connection, type EngineConnection } from "./engine";
import { FanOut } from "./fanOut";
import { FloodGuard } from "./floodGuard";
import { guardHandshake } from "./handshake";
import type { IncomingEvent } from "./incomingEvent";
import { DEFAULT_LIMITS, FIXED_LIMITS, type ChatLimits } from "./limits";
import { newMessage } from "./newMessage";
import { newPresenceInformation } from "./newPresenceInformation";
import { newTypingInformation } from "./newTypingInformation";
import type { NodeBus } from "./nodeBus";
import { RateLimit } from "./rateLimit";
import { RecentMessages } from "./recentMessages";
import { Replay } from "./replay";
import { DEFAULT_ROOMS, Rooms } from "./rooms";
import { SlowConsumers } from "./slowConsumers";
import { TypingClients } from "./typingClients";

export interface ChatServiceOptions {
  /** The HTTP server to attach to; it stays the caller's, to listen and to close. */
  server: HttpServer;
  /** Where messages are kept; it stays the caller's, to stop, and is started by the service's `start()`. */
  messageLog: MessageLog;
  /** Who is present; it stays the caller's, to stop. Default: this process's clients alone. */
  presenceStore?: PresenceStore;
  /** The way to other nodes, where there are any; it stays the caller's, to stop. */
  nodeBus?: NodeBus | undefined;
  /** Origins of the web pages that may connect, e.g. `https://chat.example.com`; `*` for any. */
  acceptableOrigins: readonly string[];
  /** The event by which clients send messages. */
  newMessageEventName?: string;
  /** The event by which clients tell who they are and which room they are in. */
  newPresenceInformationEventName?: string;
  /** The event by which clients tell that they are writing. */
  newTypingInformationEventName?: string;
  /** How many messages of each room a client that cannot resume gets on connecting. */
  replayOnConnect?: number;
  chatRooms?: readonly ChatRoom[];
  /** How many proxies stand before the server; their forwarding headers count, no others. */
  trustProxy?: number;
  limits?: Partial<ChatLimits>;
  logger?: Logger;
}

/**
 * The chat on one HTTP server: binds Socket.IO to it and serves every event of PROTOCOL.md from `start()` to
 * `close()`. Neither listens: that is the HTTP server's owner's to do, after `start()`.
 */
export class ChatService {
  readonly #io: ChatIo;
  readonly #log: ClientEventLog;
  readonly #rooms: Rooms;
  readonly #messageLog: MessageLog;
  readonly #replayOnConnect: number;
  readonly #recent = new RecentMessages();
  readonly #fanOut = new FanOut();
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
  readonly #connections = new Map<EngineConnection, string>();
  #closing: Promise<void> | undefined;

  constructor(options: ChatServiceOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const trustProxy = options.trustProxy ?? 0;
    const origins = new Origins(options.acceptableOrigins, trustProxy);
    this.#rooms = new Rooms(options.chatRooms ?? DEFAULT_ROOMS);
    this.#log = new ClientEventLog(options.logger ?? createLogger("silent"));
    this.#messageLog = options.messageLog;
    this.#replayOnConnect = options.replayOnConnect ?? 0;
    this.#slowConsumers = new SlowConsumers(limits.maxPendingBytes, (conn, queuedBytes) => {
      this.#log.warn("slow consumer cut", { ip: this.#connections.get(conn), queuedBytes });
    });
    this.#audiences = new Audiences(this.#fanOut, (conn) => this.#slowConsumers.isBehind(conn));
    this.#nodeBus = options.nodeBus;
    this.#typing = new TypingClients(this.#audiences.typing, this.#rooms, this.#nodeBus);
    this.#presence = options.presenceStore ?? new MemoryPresenceStore(this.#rooms.names());
    this.#presenceBroadcaster = new PresenceBroadcaster({
      store: this.#presence,
      audience: this.#audiences.presence,
      bytesPerSecond: limits.presenceBytesPerSecond,
      burstBytes: limits.presenceBurstBytes,
    });
    this.#floodGuard = new FloodGuard((conn) => {
      this.#log.warn("flooding client closed", { ip: this.#connections.get(conn) });
    });
    const incoming = this.#incomingEvents(options, limits);
    this.#dispatcher = new Dispatcher({ incoming, floodGuard: this.#floodGuard, log: this.#log });
    this.#admission = new Admission({ origins, trustProxy, limits, log: this.#log });
    this.#io = this.#attach(options.server);
  }

  /** Starts the message log, and with it delivery. Rejects with a StoreError when the log cannot be used. */
  async start(): Promise<void> {
    this.#nodeBus?.start();
    this.#presence.start({
      onChange: () => this.#presenceBroadcaster.changed(),
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
  }

  /** Stops taking connections, delivers what was accepted, closes all. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#admission.close();
    this.#presenceBroadcaster.stop();
    await drain(
      () => [...this.#connections.keys()],
      async (batch) => {
        await this.#dispatcher.retire(batch);
        this.#fanOut.flush();
      },
    );
    this.#slowConsumers.stop();
    this.#io.engine.close();
  }

  /** Everybody has missed something. They hear no more, so that on coming back they are told to read history. */
  async #onGap(): Promise<void> {
    this.#fanOut.flush();
    const connections = [...this.#connections.keys()];
    for (const conn of connections) this.#audiences.leave(conn);
    await closeInBatches(connections, () => undefined);
    for (const conn of connections) if (this.#connections.has(conn)) terminate(conn);
  }

  #attach(server: HttpServer): ChatIo {
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
    io.engine.on("connection", (conn: EngineConnection) => this.#onConnection(conn));
    guardHandshake(io);
    io.on("connection", (socket) => this.#onSocket(socket));
    return io;
  }

  #incomingEvents(options: ChatServiceOptions, limits: ChatLimits): Map<string, IncomingEvent<unknown>> {
    const rooms = this.#rooms;
    const messages = new RateLimit(limits.messagesPerSecond, limits.messagesBurst);
    const presence = new RateLimit(limits.presencePerSecond, limits.presenceBurst);
    const typing = new RateLimit(limits.typingPerSecond, limits.typingBurst);
    const {
      newMessageEventName = EVENTS.newMessage,
      newPresenceInformationEventName = EVENTS.newPresenceInformation,
      newTypingInformationEventName = EVENTS.newTypingInformation,
    } = options;
    const presenceParts = { rooms, store: this.#presence, broadcaster: this.#presenceBroadcaster };
    return new Map<string, IncomingEvent<unknown>>([
      [newMessageEventName, newMessage(messages, { rooms, log: this.#messageLog })],
      [newPresenceInformationEventName, newPresenceInformation(presence, presenceParts)],
      [newTypingInformationEventName, newTypingInformation(typing, { rooms, typing: this.#typing })],
    ]);
  }

  #onConnection(conn: EngineConnection): void {
    this.#connections.set(conn, this.#admission.count(conn));
    conn.once("close", () => this.#connections.delete(conn));
    this.#slowConsumers.watch(conn);
    this.#floodGuard.watch(conn);
  }

  #onSocket(socket: Connection): void {
    const { conn, id } = socket;
    const ip = this.#connections.get(conn);
    this.#log.info("connected", { id, ip, transport: conn.transport.name, protocol: conn.protocol });
    this.#dispatcher.serve(socket);
    socket.on("disconnect", (reason) => this.#onDisconnect(socket, reason));
    this.#audiences.joinPresence(conn, socket.data.optIns);
    if (socket.data.optIns.resume === undefined && this.#replayOnConnect === 0) this.#joinMessages(socket);
    else void this.#replay(socket);
  }

  /** No tick may pass between the end of a replay and the joining. */
  async #replay(socket: Connection): Promise<void> {
    try {
      const { resume } = socket.data.optIns;
      const replay = new Replay(this.#messageLog, this.#recent, this.#rooms.names(), socket);
      const isUpToDate = await (resume === undefined
        ? replay.latest(this.#replayOnConnect)
        : replay.missed(resume));
      if (isUpToDate) this.#joinMessages(socket);
      else closeOrTerminate(socket.conn);
    } catch (err) {
      // Whoever keeps the log has said why already, and the log may be away for long.
      if (err instanceof StoreError) this.#log.warn("replay failed", { id: socket.id, reason: err.message });
      else this.#log.error("replay failed", { id: socket.id, err });
      closeOrTerminate(socket.conn); // it comes back and tries again
    }
  }

  #joinMessages({ conn, data }: Connection): void {
    if (conn.readyState === "open") this.#audiences.joinMessages(conn, data.optIns);
  }

  #onDisconnect({ id, conn }: Connection, reason: string): void {
    this.#log.info("disconnected", { id, reason });
    this.#audiences.leave(conn);
    this.#typing.vanished(conn);
    if (this.#presence.remove(id) && this.#closing === undefined) this.#presenceBroadcaster.changed();
    // A client may leave the namespace and keep the connection, but there is nothing left to do on it.
    closeOrTerminate(conn);
  }
}
