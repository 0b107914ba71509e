import { webSocketOf, type Connection } from "../connections/engine";
import { encodeFrames } from "./frame";
import type { Packet } from "./packet";

/** Packets for one or many connections: encoded once, written to each websocket in one write. */
export class Batch {
  readonly #packets: readonly Packet[];
  // `compress: false` is for long polling. Engine.IO writes to this object, so each batch has its own.
  readonly #frames: { compress: false; wsPreEncodedFrame: Buffer[] };

  constructor(packets: readonly Packet[]) {
    this.#packets = packets;
    this.#frames = { compress: false, wsPreEncodedFrame: [encodeFrames(packets)] };
  }

  /** How many packets it holds. */
  get size(): number {
    return this.#packets.length;
  }

  /**
   * `onTaken` is called when the operating system (websocket) or a poll (long polling) has taken the whole batch;
   * never if the connection closes before that, or if the batch is empty.
   */
  writeTo(conn: Connection, onTaken?: () => void): void {
    if (this.#packets.length === 0) return;
    if (webSocketOf(conn) !== undefined) {
      conn.write("", this.#frames, onTaken);
      return;
    }
    const last = this.#packets.length - 1;
    for (const [index, packet] of this.#packets.entries())
      conn.write(packet, { compress: false }, index === last ? onTaken : undefined);
  }
}
