/**
 * Walks the frames a server sends, in place: only a frame that straddles two reads is ever copied.
 * Nothing is decoded here, so that one process can follow millions of frames a second.
 */
import { byteAt } from "./bytes";

export interface FrameSink {
  /** A whole text frame; its payload is `buffer[start, end)`, valid during the call only. */
  text(buffer: Buffer, start: number, end: number): void;
  /** Any other frame, by its first byte. */
  control(firstByte: number): void;
}

const TEXT_FIRST_BYTE = 0x81;

export class FrameWalker {
  private held: Buffer = Buffer.allocUnsafe(1024);
  private heldLength = 0;

  constructor(private readonly sink: FrameSink) {}

  push(buffer: Buffer, start: number, end: number): void {
    const at = this.heldLength > 0 ? this.completeHeld(buffer, start, end) : start;
    const rest = this.walk(buffer, at, end);
    if (rest < end) this.hold(buffer, rest, end);
  }

  /** Hands on every whole frame and returns where the first incomplete one begins. */
  private walk(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at + 2 <= end) {
      const payload = at + headerSize(byteAt(buffer, at + 1));
      if (payload > end) break;
      const next = payload + payloadSize(buffer, at);
      if (next > end) break;
      if (buffer[at] === TEXT_FIRST_BYTE) this.sink.text(buffer, payload, next);
      else this.sink.control(byteAt(buffer, at));
      at = next;
    }
    return at;
  }

  private completeHeld(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const missing = this.missing();
      const taken = Math.min(missing, end - at);
      this.hold(buffer, at, at + taken);
      at += taken;
      if (taken === missing && this.missing() === 0) {
        const length = this.heldLength;
        this.heldLength = 0;
        this.walk(this.held, 0, length);
        break;
      }
    }
    return at;
  }

  /** Bytes until the held frame is whole, or, while its header is not, until the header is. */
  private missing(): number {
    if (this.heldLength < 2) return 2 - this.heldLength;
    const header = headerSize(byteAt(this.held, 1));
    if (this.heldLength < header) return header - this.heldLength;
    return header + payloadSize(this.held, 0) - this.heldLength;
  }

  private hold(buffer: Buffer, start: number, end: number): void {
    const length = this.heldLength + end - start;
    if (length > this.held.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.held.copy(larger, 0, 0, this.heldLength);
      this.held = larger;
    }
    buffer.copy(this.held, this.heldLength, start, end);
    this.heldLength = length;
  }
}

/** Server frames carry no mask, so the second byte is the length or says where the length stands. */
function headerSize(secondByte: number): number {
  if (secondByte < 126) return 2;
  return secondByte === 126 ? 4 : 10;
}

function payloadSize(buffer: Buffer, frame: number): number {
  const short = byteAt(buffer, frame + 1);
  if (short < 126) return short;
  if (short === 126) return (byteAt(buffer, frame + 2) << 8) | byteAt(buffer, frame + 3);
  return Number(buffer.readBigUInt64BE(frame + 2));
}
