import type { Connections } from "../connections/connections";
import { closeOrTerminate, type ChatSocket, type Connection } from "../connections/engine";
import { atExpiry } from "../connections/expiry";
import type { Delivery } from "../delivery/delivery";
import type { Dispatcher } from "../incoming/dispatcher";
import type { ClientEventLog } from "../observability/logger";
import type { PresenceStore } from "../presence/presenceStore";

interface Deps {
  connections: Connections;
  dispatcher: Dispatcher;
  delivery: Delivery;
  presenceStore: PresenceStore;
  log: ClientEventLog;
}

/** What happens to one client: it arrives, its token expires, it leaves. */
export class Clients {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Serves a client whose handshake was accepted. */
  onArrived(socket: ChatSocket): void {
    const { connections, dispatcher, delivery, log } = this.#deps;
    const { conn, id, data } = socket;
    const ip = connections.addressOf(conn);
    connections.onConnected(conn);
    log.info("connected", { id, ip, transport: conn.transport.name, protocol: conn.protocol });
    dispatcher.serve(socket);
    socket.on("disconnect", (reason) => this.#onLeft(socket, reason));
    delivery.join(socket);
    atExpiry(conn, data.identity?.expiresAt ?? Infinity, () => void this.#onExpired(socket));
  }

  /** Answers what these clients have sent and takes no more events from them. They are about to be closed. */
  async retire(connections: readonly Connection[]): Promise<void> {
    const { dispatcher, delivery } = this.#deps;
    await dispatcher.retire(connections);
    delivery.flush();
  }

  /**
   * All clients have missed messages. They receive nothing more and are disconnected; when they resume, the
   * server tells them to read history.
   */
  async onGap(): Promise<void> {
    const { connections, delivery } = this.#deps;
    delivery.onGap();
    for (const conn of connections.list()) delivery.leave(conn);
    await connections.closeAll();
  }

  /** The client reconnects by itself, with a new token if it has one. */
  async #onExpired({ id, conn }: ChatSocket): Promise<void> {
    this.#deps.log.info("token expired", { id });
    await this.retire([conn]);
    closeOrTerminate(conn);
  }

  #onLeft({ id, conn, data }: ChatSocket, reason: string): void {
    const { delivery, presenceStore, log } = this.#deps;
    log.info("disconnected", { id, reason });
    delivery.leave(conn);
    delivery.typing.stopTyping(conn);
    presenceStore.remove(data.id);
    // A client may leave the namespace and keep the connection, which then has no use.
    closeOrTerminate(conn);
  }
}
