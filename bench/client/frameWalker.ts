/**
 * Splits what a server sends into websocket frames, in place: only a frame that spans two reads is copied, and
 * nothing is decoded. So one process can read millions of frames a second.
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
  /** The beginning of a frame whose rest has not arrived. */
  private held: Buffer = Buffer.allocUnsafe(1024);
  private heldLength = 0;

  constructor(private readonly sink: FrameSink) {}

  /** Processes `buffer[start, end)`: passes every whole frame to the sink and keeps the rest. */
  push(buffer: Buffer, start: number, end: number): void {
    const at = this.heldLength > 0 ? this.completeHeld(buffer, start, end) : start;
    const rest = this.walk(buffer, at, end);
    if (rest < end) this.hold(buffer, rest, end);
  }

  /** Passes every whole frame to the sink; returns where the first incomplete frame begins. */
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

  /** Completes the held frame, if enough bytes arrived; returns where the next frame begins. */
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

  /** The bytes missing to the end of the held frame, or to the end of its header while that is incomplete. */
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

/** Frames of a server have no mask: the second byte is the length or says how many bytes of length follow. */
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
