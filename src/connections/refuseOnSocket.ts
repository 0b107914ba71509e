import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ChatError, type Refusal } from "../protocol/refusals";

/** Answers a request that has no response object (an upgrade, or not HTTP), and ends the socket without the client. */
export function refuseOnSocket(socket: Duplex, refusal: Refusal): void {
  socket.on("error", () => socket.destroy());
  if (!socket.writable) return;
  const body = JSON.stringify(new ChatError(refusal).toEnvelope());
  socket.write(
    `HTTP/1.1 ${String(refusal.status)} ${refusal.message}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
  );
  (socket as Socket).destroySoon();
}
