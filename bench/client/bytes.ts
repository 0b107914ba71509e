/** Index access for the hot paths, where the caller knows the index is inside: no check, unlike readUInt8. */
export function byteAt(buffer: Uint8Array, index: number): number {
  return buffer[index] as number;
}
