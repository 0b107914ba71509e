import type { StoredMessage } from "../messageLog/messageLog";

/** A Socket.IO event in its wire format, encoded once for all its receivers. */
export type Packet = string;

/** Encodes an event of the `/` namespace (Socket.IO protocol: `2` + JSON array) from arguments in JSON. */
export function packetOf(event: string, ...jsonArguments: string[]): Packet {
  return `2[${[JSON.stringify(event), ...jsonArguments].join(",")}]`;
}

/** The room's event in the form for base clients: one argument. */
export function messagePacket({ room, json }: StoredMessage): Packet {
  return packetOf(room, `{"data":${json},"error":null}`);
}

/** The room's event in the form for clients that resume: the offset is the second argument. */
export function messagePacketWithOffset({ room, json, offset }: StoredMessage): Packet {
  return packetOf(room, `{"data":${json},"error":null}`, JSON.stringify(offset));
}
