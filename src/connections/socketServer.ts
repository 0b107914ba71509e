import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import type { ChatIo } from "./engine";
import { FIXED_LIMITS } from "./limits";

/** Attaches Socket.IO to the HTTP server, for clients of both generations. It neither listens nor serves files. */
export function createSocketServer(server: HttpServer): ChatIo {
  return new Server(server, {
    allowEIO3: true,
    serveClient: false,
    connectTimeout: FIXED_LIMITS.connectDeadline,
    maxHttpBufferSize: FIXED_LIMITS.maxFrameBytes,
    pingInterval: FIXED_LIMITS.pingInterval,
    pingTimeout: FIXED_LIMITS.pingTimeout,
    perMessageDeflate: false,
    httpCompression: false,
  });
}
