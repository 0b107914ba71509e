import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import { AckEncoder } from "./ackEncoder";
import { WebSocketEngine, type ChatIo } from "./engine";
import { TextPacketDecoder } from "./textPacketDecoder";

/** From the opening of the transport to the Socket.IO CONNECT. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** The largest valid message, 4,000 code points escaped, has 48 KB. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** Attaches Socket.IO to the HTTP server, for clients of both generations. */
export function createSocketServer(server: HttpServer): ChatIo {
  return new Server(server, {
    allowEIO3: true,
    serveClient: false,
    parser: { Encoder: AckEncoder, Decoder: TextPacketDecoder },
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxHttpBufferSize: MAX_FRAME_BYTES,
    pingInterval: 20_000, // ms; Heroku's router closes connections that are idle for 55 s
    pingTimeout: 15_000, // ms
    perMessageDeflate: false,
    wsEngine: WebSocketEngine,
    httpCompression: false,
  });
}
