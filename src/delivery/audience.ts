import type { Connection } from "../connections/engine";
import { Batch } from "./batch";
import type { Packet } from "./packet";

/** What an audience calls. */
export interface AudienceHooks {
  /** Called after each publish. The callee schedules `flush`. */
  requestFlush: () => void;
  /** `packets`: the packets of the flush. `deliveries`: how many of them were written, summed over all members. */
  onFlush: (packets: number, deliveries: number) => void;
  /** Returns true for members that a flush leaves out, e.g. too far behind for packets that soon expire. Default: none. */
  skip?: ((conn: Connection) => boolean) | undefined;
}

/** Connections that receive the same packets. */
export class Audience {
  readonly #members = new Set<Connection>();
  readonly #hooks: AudienceHooks;
  #packets: Packet[] = [];
  /** For each of the packets the member that does not receive it. */
  #excepted: (Connection | undefined)[] = [];

  constructor(hooks: AudienceHooks) {
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#members.size;
  }

  /** The connection receives every later flush, so also what is queued now. Call `flush` first where it must not. */
  add(conn: Connection): void {
    this.#members.add(conn);
  }

  /** The connection receives nothing more, not even what is queued now. */
  remove(conn: Connection): void {
    this.#members.delete(conn);
  }

  /** Queues the packet for every member but `except`. Packets are delivered in the order of publishing. */
  publish(packet: Packet, except?: Connection): void {
    if (this.#members.size === 0) return;
    this.#packets.push(packet);
    this.#excepted.push(except);
    this.#hooks.requestFlush();
  }

  /** Writes the queued packets, in one write per member on websocket. */
  flush(): void {
    if (this.#packets.length === 0) return;
    const { skip, onFlush } = this.#hooks;
    const packets = this.#packets;
    const excepted = this.#excepted;
    this.#packets = [];
    this.#excepted = [];
    const forAll = new Batch(packets);
    const exceptions = new Set(excepted);
    let deliveries = 0;
    for (const conn of this.#members) {
      if (skip?.(conn)) continue;
      const batch = exceptions.has(conn) ? new Batch(packets.filter((_, i) => excepted[i] !== conn)) : forAll;
      batch.writeTo(conn);
      deliveries += batch.packets.length;
    }
    onFlush(packets.length, deliveries);
  }
}
