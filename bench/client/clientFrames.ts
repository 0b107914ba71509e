/** Masked websocket frames, as a client sends them (RFC 6455, section 5). */
import { byteAt } from "./bytes";

const MASK = Buffer.from([0x5a, 0xc3, 0x3c, 0xa5]);

export function textFrame(text: string): Buffer {
  return frame(0x81, Buffer.from(text));
}

export function pongFrame(): Buffer {
  return frame(0x8a, Buffer.alloc(0));
}

function frame(firstByte: number, payload: Buffer): Buffer {
  if (payload.length > 0xffff) throw new Error(`client frames of ${payload.length} bytes are not supported`);
  const header = payload.length < 126 ? Buffer.from([firstByte, 0x80 | payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    header[0] = firstByte;
    header[1] = 0x80 | 126;
    header.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([header, MASK, payload.map((byte, index) => byte ^ byteAt(MASK, index & 3))]);
}

/** A frame that is encoded once and copied often; only a number differs between the copies. */
export class NumberedFrame {
  private readonly frame: Buffer;
  /** The positions of the placeholders in the frame. */
  private readonly digitsAt: number[] = [];
  private readonly payloadAt: number;

  /** `digits` is the placeholder in `text`. Each copy has its number in place of every placeholder. */
  constructor(
    text: string,
    private readonly digits: string,
  ) {
    const payload = Buffer.from(text);
    this.frame = textFrame(text);
    this.payloadAt = this.frame.length - payload.length;
    for (let at = payload.indexOf(digits); at >= 0; at = payload.indexOf(digits, at + digits.length)) {
      this.digitsAt.push(this.payloadAt + at);
    }
    if (this.digitsAt.length === 0) throw new Error(`no placeholder ${digits} in ${text}`);
  }

  /** Returns `count` frames in one buffer, numbered from `first`. */
  copies(first: number, count: number): Buffer {
    const size = this.frame.length;
    const copies = Buffer.allocUnsafe(size * count);
    for (let index = 0; index < count; index++) {
      this.frame.copy(copies, index * size);
      for (const digitsAt of this.digitsAt) this.write(copies, index * size, digitsAt, first + index);
    }
    return copies;
  }

  private write(buffer: Buffer, frameAt: number, digitsAt: number, number: number): void {
    let rest = number;
    for (let at = digitsAt + this.digits.length - 1; at >= digitsAt; at--) {
      buffer[frameAt + at] = (48 + (rest % 10)) ^ byteAt(MASK, (at - this.payloadAt) & 3);
      rest = Math.floor(rest / 10);
    }
  }
}
