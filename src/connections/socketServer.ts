import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import type { ChatIo } from "./engine";

/** From the opening of the transport to the Socket.IO CONNECT. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** The largest valid message, 4,000 code points escaped, has 48 KB. */
export const MAX_FRAME_BYTES = 64 * 1024;
const PING_INTERVAL_MS = 20_000; // Heroku's router closes connections that are idle for 55 s
const PING_TIMEOUT_MS = 15_000;

/** Attaches Socket.IO to the HTTP server, for clients of both generations. It neither listens nor serves files. */
export function createSocketServer(server: HttpServer): ChatIo {
  return new Server(server, {
    allowEIO3: true,
    serveClient: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxHttpBufferSize: MAX_FRAME_BYTES,
    pingInterval: PING_INTERVAL_MS,
    pingTimeout: PING_TIMEOUT_MS,
    perMessageDeflate: false,
    httpCompression: false,
  });
}
