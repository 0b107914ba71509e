/** A Socket.IO event as it goes over the wire, encoded once for all who get it. */
export type Packet = string;

/** Encodes an event of the `/` namespace (Socket.IO protocol: `2` + JSON array) from arguments in JSON. */
export function packetOf(event: string, ...jsonArguments: string[]): Packet {
  return `2[${[JSON.stringify(event), ...jsonArguments].join(",")}]`;
}
