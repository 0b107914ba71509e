import type { Connection } from "../../src/connections/engine";

/** A connection on long polling that keeps the packets written to it. */
export function fakeConnection(): { conn: Connection; packets: string[] } {
  const packets: string[] = [];
  const conn = { transport: {}, write: (packet: string) => packets.push(packet) };
  return { conn: conn as unknown as Connection, packets };
}

/** A connection on websocket that keeps the buffer of each write. */
export function fakeWebSocketConnection(): { conn: Connection; writes: Buffer[] } {
  const writes: Buffer[] = [];
  const write = (_packet: string, { wsPreEncodedFrame }: { wsPreEncodedFrame: Buffer[] }) =>
    writes.push(...wsPreEncodedFrame);
  return { conn: { transport: { socket: {} }, write } as unknown as Connection, writes };
}
