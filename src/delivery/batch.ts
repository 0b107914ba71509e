import { webSocketOf, type Connection } from "../connections/engine";
import type { Packet } from "./packet";

const TEXT_FRAME = 0x8100; // FIN, opcode text; the second byte is the length (RFC 6455, section 5.2)
const MAX_HEADER_BYTES = 10;
const ENGINE_MESSAGE = 0x34; // "4", the Engine.IO packet type that carries Socket.IO packets

/** Packets for one or many connections: encoded once, written to each websocket in one write. */
export class Batch {
  readonly packets: readonly Packet[];
  // `compress: false` is for long polling. Engine.IO writes to this object, so each batch has its own.
  readonly #frames: { compress: false; wsPreEncodedFrame: Buffer[] };

  constructor(packets: readonly Packet[]) {
    this.packets = packets;
    this.#frames = { compress: false, wsPreEncodedFrame: [encodeFrames(packets)] };
  }

  /** What it takes on a websocket. */
  get bytes(): number {
    return this.#frames.wsPreEncodedFrame.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * `onTaken` is called when the operating system (websocket) or a poll (long polling) has taken the whole batch;
   * never if the connection closes before that, or if the batch is empty.
   */
  writeTo(conn: Connection, onTaken?: () => void): void {
    const last = this.packets.length - 1;
    if (last < 0) return;
    if (webSocketOf(conn) !== undefined) conn.write("", this.#frames, onTaken);
    else
      for (const [index, packet] of this.packets.entries())
        conn.write(packet, { compress: false }, index === last ? onTaken : undefined);
  }
}

/**
 * Encodes each packet as one unmasked websocket text frame that holds an Engine.IO message: the bytes that ws would
 * write, for all packets in one Buffer, so that one system call is enough.
 */
export function encodeFrames(packets: readonly Packet[]): Buffer {
  const lengths = packets.map((packet) => Buffer.byteLength(packet) + 1);
  const buffer = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + MAX_HEADER_BYTES + length, 0));
  let end = 0;
  for (const [index, packet] of packets.entries()) {
    end = writeHeader(buffer, end, lengths[index] ?? 0);
    buffer[end] = ENGINE_MESSAGE;
    end += 1 + buffer.write(packet, end + 1);
  }
  return buffer.subarray(0, end);
}

/** Returns the offset of the payload, which follows the header. */
function writeHeader(buffer: Buffer, offset: number, length: number): number {
  if (length < 126) return buffer.writeUInt16BE(TEXT_FRAME | length, offset);
  if (length < 65_536) return buffer.writeUInt16BE(length, buffer.writeUInt16BE(TEXT_FRAME | 126, offset));
  return buffer.writeBigUInt64BE(BigInt(length), buffer.writeUInt16BE(TEXT_FRAME | 127, offset));
}
