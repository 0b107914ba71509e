import { Encoder, PacketType, type Packet } from "socket.io-parser";

/** A value that is JSON already. In the `data` of an ack it is sent as it is. */
export class EncodedJson {
  constructor(readonly text: string) {}
}

/**
 * Socket.IO's encoder, except for acks whose `data` is an `EncodedJson`. Socket.IO would search the value for binary
 * data and encode it again, for each ack.
 */
export class AckEncoder extends Encoder {
  override encode(packet: Packet): unknown[] {
    if (packet.type !== PacketType.ACK) return super.encode(packet);
    const [answer] = packet.data as [{ data?: unknown } | undefined];
    if (!(answer?.data instanceof EncodedJson)) return super.encode(packet);
    return [`${String(PacketType.ACK)}${String(packet.id)}[{"data":${answer.data.text},"error":null}]`];
  }
}
