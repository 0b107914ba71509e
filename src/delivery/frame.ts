const TEXT_FRAME = 0x81; // FIN, opcode text (RFC 6455, section 5.2)
const ENGINE_MESSAGE = 0x34; // "4", the Engine.IO packet type that carries Socket.IO packets

/**
 * Encodes each Socket.IO packet as one unmasked websocket text frame that holds an Engine.IO message: the bytes that
 * ws would write, for all packets in one Buffer, so that one system call is enough.
 */
export function encodeFrames(packets: readonly string[]): Buffer {
  const lengths = packets.map((packet) => Buffer.byteLength(packet) + 1);
  const total = lengths.reduce((sum, length) => sum + headerLength(length) + length, 0);
  const buffer = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const [index, packet] of packets.entries()) {
    offset = writeHeader(buffer, offset, lengths[index] ?? 0);
    buffer[offset] = ENGINE_MESSAGE;
    offset += 1 + buffer.write(packet, offset + 1, "utf8");
  }
  return buffer;
}

function headerLength(payloadLength: number): number {
  if (payloadLength < 126) return 2;
  return payloadLength < 65_536 ? 4 : 10;
}

function writeHeader(buffer: Buffer, offset: number, payloadLength: number): number {
  buffer[offset] = TEXT_FRAME;
  if (payloadLength < 126) {
    buffer[offset + 1] = payloadLength;
    return offset + 2;
  }
  if (payloadLength < 65_536) {
    buffer[offset + 1] = 126;
    return buffer.writeUInt16BE(payloadLength, offset + 2);
  }
  buffer[offset + 1] = 127;
  return buffer.writeBigUInt64BE(BigInt(payloadLength), offset + 2);
}
