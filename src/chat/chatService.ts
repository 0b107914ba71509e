import type { Server as HttpServer } from "node:http";
import { Connections } from "../connections/connections";
import type { ChatIo } from "../connections/engine";
import { guardHandshake } from "../connections/handshake";
import { DEFAULT_LIMITS, type ChatLimits } from "../connections/limits";
import { createSocketServer } from "../connections/socketServer";
import { Delivery } from "../delivery/delivery";
import { Dispatcher } from "../incoming/dispatcher";
import { eventHandlers, type EventNames } from "../incoming/eventHandlers";
import type { MessageLog } from "../messageLog/messageLog";
import type { NodeBus } from "../nodes/nodeBus";
import { MemoryPresenceStore } from "../presence/memoryPresenceStore";
import type { PresenceStore } from "../presence/presenceStore";
import { Clients } from "./clients";
import { createSharedParts, type SharedParts, type SharedPartsOptions } from "./sharedParts";

/** The stores of the service. `ChatService.start()` starts all three; the caller stops them. */
export interface Stores {
  messageLog: MessageLog;
  /** ChatService's default: in memory, the clients of this process. */
  presenceStore: PresenceStore;
  /** The connection to the other nodes; undefined, ChatService's default: there are none. */
  nodeBus: NodeBus | undefined;
}

type GivenStores = Pick<Stores, "messageLog"> & Partial<Stores>;

export interface ChatServiceOptions extends SharedPartsOptions, EventNames, GivenStores {
  /** The HTTP server to attach to. The caller listens on it and closes it. */
  server: HttpServer;
  /** Messages of each room that a client which cannot resume receives on connecting. Default: 0. */
  replayOnConnect?: number;
  /** Limits per connection, per address and per process. Default for each: `DEFAULT_LIMITS`. */
  limits?: Partial<ChatLimits>;
  /** Parts that the HTTP routes use, too. Default: built from the options above, for this service alone. */
  parts?: SharedParts;
}

/**
 * The chat on one HTTP server: attaches Socket.IO to it and serves every event from `start()` to `close()`. It does
 * not listen; the caller does, before `start()` or after it.
 *
 * @example
 * const server = createServer(app);
 * const messageLog = new EmbeddedMessageLog({ directory: "./data", maxMessages: 10_000 });
 * const chat = new ChatService({ server, messageLog, acceptableOrigins: ["https://chat.example.com"] });
 * await chat.start();
 * server.listen(34_000);
 */
export class ChatService {
  readonly #io: ChatIo;
  readonly #stores: Stores;
  readonly #connections: Connections;
  readonly #delivery: Delivery;
  readonly #clients: Clients;
  #closing: Promise<void> | undefined;

  constructor(options: ChatServiceOptions) {
    const { server, messageLog, nodeBus, replayOnConnect = 0 } = options;
    const parts = options.parts ?? createSharedParts(options);
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const presenceStore = options.presenceStore ?? new MemoryPresenceStore(parts.rooms.names());
    const stores = { messageLog, presenceStore, nodeBus };
    const connections = new Connections({ ...parts, limits });
    const { slowConsumers, floodGuard } = connections;
    const addressOf = connections.addressOf.bind(connections);
    const delivery = new Delivery({ ...parts, ...stores, limits, replayOnConnect, slowConsumers, addressOf });
    const { typing, presence } = delivery;
    const handlerDeps = { ...parts, ...stores, typing, presenceAnswers: presence.answers };
    const handlers = eventHandlers(options, limits, handlerDeps);
    const dispatcher = new Dispatcher({ ...parts, handlers, floodGuard });
    this.#stores = stores;
    this.#connections = connections;
    this.#delivery = delivery;
    this.#clients = new Clients({ ...parts, ...stores, connections, delivery, dispatcher });
    this.#io = createSocketServer(server);
    connections.attach(server, this.#io);
    guardHandshake(this.#io, parts);
    this.#io.on("connection", (socket) => this.#clients.onArrived(socket));
  }

  /**
   * Starts the stores, then admits clients, which are refused with 503 before. Rejects with a StoreError when the
   * message log cannot be opened.
   */
  async start(): Promise<void> {
    const { messageLog, presenceStore, nodeBus } = this.#stores;
    nodeBus?.start();
    presenceStore.start({
      onChange: (changes) => this.#delivery.presence.onChanges(changes),
      onNodeGone: (nodeId) => this.#delivery.typing.stopTyping(nodeId),
    });
    await messageLog.start(
      (message, isMoreComing) => this.#delivery.deliver(message, isMoreComing),
      () => void this.#clients.onGap(),
    );
    if (this.#closing === undefined) this.#connections.open();
  }

  /** Refuses new connections, delivers what was accepted, closes all connections. A second call waits for the first. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#connections.refuseNew();
    this.#delivery.presence.stop();
    try {
      await this.#connections.drain((batch) => this.#clients.retire(batch));
    } finally {
      this.#io.engine.close();
    }
  }
}
