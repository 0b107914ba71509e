import type { Heard, Metrics } from "../observability/metrics";
import { webSocketOf, type EngineConnection } from "../connections/engine";
import { encodeFrames } from "./frame";

const MAX_HOLD = 5; // ms
const WORTH_HOLDING = 1; // ms that a flush must cost before it is worth waiting for more

/** A Socket.IO event as it goes over the wire, encoded once for all who get it. */
export type Packet = string;

/** Encodes an event of the `/` namespace (Socket.IO protocol: `2` + JSON array) from arguments in JSON. */
export function packetOf(event: string, ...jsonArguments: string[]): Packet {
  return `2[${[JSON.stringify(event), ...jsonArguments].join(",")}]`;
}

/** Packets as they go out to many connections: encoded once, one write for each on websocket. */
export class Batch {
  readonly #packets: readonly Packet[];
  // `compress: false` is for long polling. Engine.IO writes to this object, so each batch has its own.
  readonly #frames: { compress: false; wsPreEncodedFrame: Buffer[] };

  constructor(packets: readonly Packet[]) {
    this.#packets = packets;
    this.#frames = { compress: false, wsPreEncodedFrame: [encodeFrames(packets)] };
  }

  /** `onTaken` is called when the client's side has taken the batch, and never if the connection closes. */
  writeTo(conn: EngineConnection, onTaken?: () => void): void {
    if (webSocketOf(conn) !== undefined) {
      conn.write("", this.#frames, onTaken);
      return;
    }
    for (const [index, packet] of this.#packets.entries()) {
      conn.write(packet, { compress: false }, index === this.#packets.length - 1 ? onTaken : undefined);
    }
  }
}

/** Says which connections are passed over: for what is not worth queueing for a client that is behind. */
type Skip = (conn: EngineConnection) => boolean;

/** Connections that receive the same packets. */
export class Audience {
  readonly #members = new Set<EngineConnection>();
  readonly #scheduleFlush: () => void;
  readonly #skip: Skip;
  readonly #onFlush: (packets: number, deliveries: number) => void;
  #queue: { packet: Packet; except: EngineConnection | undefined }[] = [];

  constructor(scheduleFlush: () => void, skip: Skip, onFlush: (packets: number, deliveries: number) => void) {
    this.#scheduleFlush = scheduleFlush;
    this.#skip = skip;
    this.#onFlush = onFlush;
  }

  get size(): number {
    return this.#members.size;
  }

  /** The connection receives what is published from now on; what was published before is not for it. */
  add(conn: EngineConnection): void {
    this.flush();
    this.#members.add(conn);
  }

  remove(conn: EngineConnection): void {
    this.#members.delete(conn);
  }

  /** Delivers to every member but one, in the order of publishing, by the end of this turn of the event loop. */
  publish(packet: Packet, except?: EngineConnection): void {
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

/**
 * Delivers in batches: everything published in one turn of the event loop reaches a connection as one write.
 * Writing to a socket costs a system call, some 8 µs, whatever its size; encoding is done once per event. So
 * the busier the loop, the larger the batch, and an idle loop delivers at once.
 */
export class FanOut {
  /** In the order of delivery: nobody should hear a message before its sender's arrival. */
  readonly #audiences: Readonly<Record<Heard, Set<Audience>>> = {
    presence: new Set(),
    message: new Set(),
    typing: new Set(),
  };
  readonly #metrics: Metrics;
  #isScheduled = false;
  #isMoreComing = false;
  #hold: NodeJS.Timeout | undefined;
  #lastFlush = 0; // ms it took

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  audience(hears: Heard, skip: Skip = () => false): Audience {
    const audience = new Audience(() => this.#schedule(), skip, this.#metrics.flushesOf(hears));
    this.#audiences[hears].add(audience);
    return audience;
  }

  /** Nobody will be in the audience any more. */
  drop(audience: Audience): void {
    for (const audiences of Object.values(this.#audiences)) audiences.delete(audience);
  }

  /**
   * Says whether more is about to be published. If so, and if writing is dear (many clients), what there is
   * waits for it, once and for 5 ms at the most: two halves of what is in flight would otherwise take turns,
   * each at the price of the whole.
   */
  expectMore(isMoreComing: boolean): void {
    this.#isMoreComing = isMoreComing;
  }

  /** Delivers now what was published. */
  flush(): void {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    const start = performance.now();
    for (const audiences of Object.values(this.#audiences))
      for (const audience of audiences) audience.flush();
    this.#lastFlush = performance.now() - start;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const isWorthHolding = this.#isMoreComing && this.#lastFlush > WORTH_HOLDING;
      if (isWorthHolding && this.#hold === undefined) this.#hold = setTimeout(() => this.flush(), MAX_HOLD);
      else this.flush();
    });
  }
}
