import { webSocketOf, type EngineConnection } from "./engine";
import { encodeFrames } from "./frame";

/** A Socket.IO event as it goes over the wire, encoded once for all who get it. */
export type Packet = string;

/** Encodes an event of the `/` namespace (Socket.IO protocol: `2` + JSON array) from arguments in JSON. */
export function packetOf(event: string, ...jsonArguments: string[]): Packet {
  return `2[${[JSON.stringify(event), ...jsonArguments].join(",")}]`;
}

/** Connections that receive the same packets. */
export class Audience {
  readonly #members = new Set<EngineConnection>();
  readonly #scheduleFlush: () => void;
  #queue: Packet[] = [];

  constructor(scheduleFlush: () => void) {
    this.#scheduleFlush = scheduleFlush;
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

  /** Delivers to every member, in the order of publishing, by the end of this turn of the event loop. */
  publish(packet: Packet): void {
    if (this.#members.size === 0) return;
    this.#queue.push(packet);
    this.#scheduleFlush();
  }

  flush(): void {
    if (this.#queue.length === 0) return;
    const packets = this.#queue;
    this.#queue = [];
    // `compress: false` for long polling; Engine.IO writes to this object, so each batch has its own.
    const batch = { compress: false, wsPreEncodedFrame: [encodeFrames(packets)] };
    for (const conn of this.#members) {
      if (webSocketOf(conn) !== undefined) conn.write("", batch);
      else for (const packet of packets) conn.write(packet, { compress: false });
    }
  }
}

/**
 * Delivers in batches: everything published in one turn of the event loop reaches a connection as one write.
 * Writing to a socket costs a system call, some 8 µs, whatever its size; encoding is done once per event. So
 * the busier the loop, the larger the batch, and an idle loop delivers at once.
 */
export class FanOut {
  readonly #audiences: Audience[] = [];
  #scheduled = false;

  audience(): Audience {
    const audience = new Audience(() => this.#schedule());
    this.#audiences.push(audience);
    return audience;
  }

  /** Delivers now what was published. */
  flush(): void {
    this.#scheduled = false;
    for (const audience of this.#audiences) audience.flush();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }
}
