import { webSocketOf, type Connection } from "../connections/engine";
import { encodeFrames } from "./frame";
import type { Packet } from "./packet";

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
  writeTo(conn: Connection, onTaken?: () => void): void {
    if (webSocketOf(conn) !== undefined) {
      conn.write("", this.#frames, onTaken);
      return;
    }
    for (const [index, packet] of this.#packets.entries()) {
      conn.write(packet, { compress: false }, index === this.#packets.length - 1 ? onTaken : undefined);
    }
  }
}
