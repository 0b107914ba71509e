/** Reads a byte without readUInt8's bounds check, for hot paths. The index must be in bounds. */
export function byteAt(buffer: Uint8Array, index: number): number {
  return buffer[index] as number;
}
