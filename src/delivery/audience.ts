import type { Connection } from "../connections/engine";
import { Batch } from "./batch";
import type { Packet } from "./packet";

/** Whether a connection is left out of a flush, e.g. because it is too far behind for packets that soon expire. */
export type Skip = (conn: Connection) => boolean;

/** `packets`: the packets of the flush. `deliveries`: how many of them were written, summed over all connections. */
export type OnFlush = (packets: number, deliveries: number) => void;

interface Published {
  packet: Packet;
  /** A member that does not receive the packet. */
  except: Connection | undefined;
}

/** Connections that receive the same packets. */
export class Audience {
  readonly #members = new Set<Connection>();
  readonly #requestFlush: () => void;
  readonly #skip: Skip;
  readonly #onFlush: OnFlush;
  #queue: Published[] = [];

  /** `requestFlush` is called with each packet published, and must have `flush` called soon. */
  constructor(requestFlush: () => void, skip: Skip, onFlush: OnFlush) {
    this.#requestFlush = requestFlush;
    this.#skip = skip;
    this.#onFlush = onFlush;
  }

  /** How many connections are members. */
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
    this.#queue.push({ packet, except });
    this.#requestFlush();
  }

  /** Writes the queued packets, in one write per member on websocket. */
  flush(): void {
    if (this.#queue.length === 0) return;
    const queue = this.#queue;
    this.#queue = [];
    const forAll = new Batch(queue.map(({ packet }) => packet));
    const excepted = new Set(queue.flatMap(({ except }) => except ?? []));
    let deliveries = 0;
    for (const conn of this.#members) {
      if (this.#skip(conn)) continue;
      const batch = excepted.has(conn) ? new Batch(packetsFor(conn, queue)) : forAll;
      batch.writeTo(conn);
      deliveries += batch.size;
    }
    this.#onFlush(queue.length, deliveries);
  }
}

function packetsFor(conn: Connection, queue: readonly Published[]): Packet[] {
  return queue.filter(({ except }) => except !== conn).map(({ packet }) => packet);
}
