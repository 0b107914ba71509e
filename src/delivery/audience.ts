import type { Connection } from "../connections/engine";
import { Batch } from "./batch";
import type { Packet } from "./packet";

/** Says which connections are passed over: for what is not worth queueing for a client that is behind. */
export type Skip = (conn: Connection) => boolean;

/** Connections that receive the same packets. */
export class Audience {
  readonly #members = new Set<Connection>();
  readonly #scheduleFlush: () => void;
  readonly #skip: Skip;
  readonly #onFlush: (packets: number, deliveries: number) => void;
  #queue: { packet: Packet; except: Connection | undefined }[] = [];

  constructor(scheduleFlush: () => void, skip: Skip, onFlush: (packets: number, deliveries: number) => void) {
    this.#scheduleFlush = scheduleFlush;
    this.#skip = skip;
    this.#onFlush = onFlush;
  }

  get size(): number {
    return this.#members.size;
  }

  /** The connection receives what is published from now on; what was published before is not for it. */
  add(conn: Connection): void {
    this.flush();
    this.#members.add(conn);
  }

  remove(conn: Connection): void {
    this.#members.delete(conn);
  }

  /** Delivers to every member but one, in the order of publishing, by the end of this turn of the event loop. */
  publish(packet: Packet, except?: Connection): void {
    if (this.#members.size === 0) return;
    this.#queue.push({ packet, except });
    this.#scheduleFlush();
  }

  flush(): void {
    if (this.#queue.length === 0) return;
    const queue = this.#queue;
    this.#queue = [];
    const excepted = new Set(queue.map(({ except }) => except));
    const batch = new Batch(queue.map(({ packet }) => packet));
    let deliveries = this.#members.size * queue.length; // reckoned from the rule: counting each would cost
    for (const conn of this.#members) {
      if (this.#skip(conn)) {
        deliveries -= queue.length;
      } else if (!excepted.has(conn)) {
        batch.writeTo(conn);
      } else {
        const packets = queue.filter(({ except }) => except !== conn).map(({ packet }) => packet);
        deliveries -= queue.length - packets.length;
        new Batch(packets).writeTo(conn);
      }
    }
    this.#onFlush(queue.length, deliveries);
  }
}
