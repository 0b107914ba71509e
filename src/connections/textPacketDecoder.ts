import { Decoder } from "socket.io-parser";

const BINARY_HEADER = /^([56])[^-"]*-/; // BINARY_EVENT or BINARY_ACK, and the number of attachments that follow
const ROOT_CONNECT = /^0(?:$|[^/]|\/,)/; // CONNECT to the namespace `/`
const MAX_ROOT_CONNECTS = 10; // handled per connection; an honest client sends one

/**
 * Decodes Socket.IO packets without their binary attachments. Socket.IO's own decoder keeps up to 10 of these per
 * connection, as long as the last one has not arrived. No event of the protocol holds binary data: an event that
 * announces attachments is decoded at once, with placeholder objects in their place, which its schema refuses. The
 * attachments are dropped on arrival. So are further CONNECT packets: Socket.IO opens a socket for each until the first
 * is accepted.
 */
export class TextPacketDecoder extends Decoder {
  #rootConnects = 0;

  /** Throws for a packet that is not valid. Socket.IO then closes the connection. */
  override add(packet: unknown): void {
    if (typeof packet !== "string") return; // an attachment
    if (ROOT_CONNECT.test(packet) && (this.#rootConnects += 1) > MAX_ROOT_CONNECTS) return;
    super.add(packet.replace(BINARY_HEADER, (_header, type) => (type === "5" ? "2" : "3"))); // EVENT or ACK
  }
}
