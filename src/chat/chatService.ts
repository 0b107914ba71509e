import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import { ChatError, REFUSALS, toChatError } from "../errors";
import { Origins } from "../http/origins";
import { ClientEventLog, createLogger, type Logger } from "../logger";
import { MemoryPresenceStore } from "../presence/memoryPresenceStore";
import { PresenceBroadcaster } from "../presence/presenceBroadcaster";
import type { PresenceStore } from "../presence/presenceStore";
import { EVENTS } from "../protocol/events";
import type { ChatRoom } from "../protocol/payloads";
import { Admission } from "./admission";
import { drain } from "./drain";
import { closeOrTerminate, type ChatIo, type Connection, type EngineConnection } from "./engine";
import { FanOut, type Audience } from "./fanOut";
import { FloodGuard } from "./floodGuard";
import { admitOneSocketPerConnection } from "./handshake";
import type { IncomingEvent } from "./incomingEvent";
import { DEFAULT_LIMITS, FIXED_LIMITS, type ChatLimits } from "./limits";
import { newMessage } from "./newMessage";
import { newPresenceInformation } from "./newPresenceInformation";
import { RateLimit } from "./rateLimit";
import { DEFAULT_ROOMS, Rooms } from "./rooms";
import { SlowConsumers } from "./slowConsumers";

export interface ChatServiceOptions {
  /** The HTTP server to attach to; it stays the caller's, to listen and to close. */
  server: HttpServer;
  /** Origins of the web pages that may connect, e.g. `https://chat.example.com`; `*` for any. */
  acceptableOrigins: readonly string[];
  /** The event by which clients send messages. */
  newMessageEventName?: string;
  /** The event by which clients tell who they are and which room they are in. */
  newPresenceInformationEventName?: string;
  chatRooms?: readonly ChatRoom[];
  /** How many proxies stand before the server; their forwarding headers count, no others. */
  trustProxy?: number;
  limits?: Partial<ChatLimits>;
  logger?: Logger;
}

/** The chat on one HTTP server: binds Socket.IO to it and serves every event of PROTOCOL.md until `close()`. */
export class ChatService {
  readonly #io: ChatIo;
  readonly #log: ClientEventLog;
  readonly #fanOut = new FanOut();
  readonly #everybody: Audience = this.#fanOut.audience();
  readonly #presence: PresenceStore;
  readonly #presenceBroadcaster: PresenceBroadcaster;
  readonly #admission: Admission;
  readonly #slowConsumers: SlowConsumers;
  readonly #floodGuard: FloodGuard;
  /** event name → what to do with it */
  readonly #incoming: ReadonlyMap<string, IncomingEvent<unknown>>;
  /** open connection → its client's address */
  readonly #connections = new Map<EngineConnection, string>();
  #closing: Promise<void> | undefined;

  constructor(options: ChatServiceOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const rooms = new Rooms(options.chatRooms ?? DEFAULT_ROOMS);
    const trustProxy = options.trustProxy ?? 0;
    const origins = new Origins(options.acceptableOrigins, trustProxy);
    this.#log = new ClientEventLog(options.logger ?? createLogger("silent"));

    this.#presence = new MemoryPresenceStore(rooms.names());
    this.#presenceBroadcaster = new PresenceBroadcaster({
      store: this.#presence,
      audience: this.#everybody,
      bytesPerSecond: limits.presenceBytesPerSecond,
      burstBytes: limits.presenceBurstBytes,
    });
    this.#incoming = this.#incomingEvents(options, limits, rooms);
    this.#slowConsumers = new SlowConsumers(limits.maxPendingBytes, (conn, queuedBytes) => {
      this.#log.warn("slow consumer cut", { ip: this.#connections.get(conn), queuedBytes });
    });
    this.#floodGuard = new FloodGuard((conn) => {
      this.#log.warn("flooding client closed", { ip: this.#connections.get(conn) });
    });
    this.#admission = new Admission({ origins, trustProxy, limits, log: this.#log });
    this.#io = this.#attach(options.server);
  }

  /** Stops taking connections, delivers what was accepted, closes all. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#admission.close();
    this.#presenceBroadcaster.stop();
    this.#fanOut.flush();
    await drain(() => [...this.#connections.keys()]);
    this.#slowConsumers.stop();
    this.#io.engine.close();
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
    this.#admission.guard(io.engine);
    io.engine.on("connection", (conn: EngineConnection) => this.#onConnection(conn));
    admitOneSocketPerConnection(io);
    io.on("connection", (socket) => this.#onSocket(socket));
    return io;
  }

  #incomingEvents(
    options: ChatServiceOptions,
    limits: ChatLimits,
    rooms: Rooms,
  ): Map<string, IncomingEvent<unknown>> {
    const messageLimit = new RateLimit(limits.messagesPerSecond, limits.messagesBurst);
    const presenceLimit = new RateLimit(limits.presencePerSecond, limits.presenceBurst);
    const presence = { rooms, store: this.#presence, broadcaster: this.#presenceBroadcaster };
    return new Map<string, IncomingEvent<unknown>>([
      [
        options.newMessageEventName ?? EVENTS.newMessage,
        newMessage(messageLimit, { rooms, everybody: this.#everybody }),
      ],
      [
        options.newPresenceInformationEventName ?? EVENTS.newPresenceInformation,
        newPresenceInformation(presenceLimit, presence),
      ],
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
    this.#log.info("connected", {
      id,
      ip: this.#connections.get(conn),
      transport: conn.transport.name,
      protocol: conn.protocol,
    });
    this.#everybody.add(conn);
    socket.onAny((event: string, ...args: unknown[]) => void this.#onEvent(socket, event, args));
    socket.on("disconnect", (reason) => this.#onDisconnect(socket, reason));
  }

  #onDisconnect({ id, conn }: Connection, reason: string): void {
    this.#log.info("disconnected", { id, reason });
    this.#everybody.remove(conn);
    if (this.#presence.remove(id) && this.#closing === undefined) this.#presenceBroadcaster.changed();
    for (const { limit } of this.#incoming.values()) void limit.forget(id);
    // A client may leave the namespace and keep the connection, but there is nothing left to do on it.
    closeOrTerminate(conn);
  }

  /** Every event ends here, and every failure: its sender's ack, if there is one, is called exactly once. */
  async #onEvent(socket: Connection, event: string, args: unknown[]): Promise<void> {
    const last = args.at(-1);
    const ack = typeof last === "function" ? (last as (answer: unknown) => void) : undefined;
    try {
      const incoming = this.#incoming.get(event);
      if (incoming === undefined) throw new ChatError(REFUSALS.unknownEvent);
      await incoming.limit.consume(socket.id);
      const payload = args[0] === ack ? undefined : args[0];
      const data = await incoming.handle(payload, { id: socket.id, wantsAck: ack !== undefined });
      ack?.({ data, error: null });
    } catch (thrown) {
      this.#refuse(socket, event, thrown, ack);
    }
  }

  #refuse(socket: Connection, event: string, thrown: unknown, ack?: (answer: unknown) => void): void {
    const error = toChatError(thrown);
    const isKnown = this.#incoming.has(event);
    if (thrown !== error) this.#log.error("event failed", { id: socket.id, event, err: thrown });
    else
      this.#log.warn("event refused", {
        id: socket.id,
        event: isKnown ? event : undefined,
        reason: error.message,
      });
    if (!isKnown || error.status === REFUSALS.tooManyRequests.status) this.#floodGuard.strike(socket.conn);
    if (ack !== undefined) ack(error.toEnvelope());
    else if (isKnown) socket.emit(EVENTS.serverError, error.toEnvelope());
  }
}
