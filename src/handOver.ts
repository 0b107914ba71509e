import type { Server } from "node:http";
import type { Socket } from "node:net";

/** What of a socket's handle Node's types do not show. */
type Readable = { _handle: { readStop(): void; readStart(): void } | null };

/**
 * Mends `@socket.io/sticky` (2.0), which goes on reading from a socket while it hands it to a worker: what the
 * client sends until the worker has it would be read and dropped. Call it after `setupMaster`.
 */
export function keepUnreadForWorkers(server: Server): void {
  server.on("connection", (socket: Socket) => {
    const { _handle: handle } = socket as unknown as Readable;
    // Around sticky's own listener: it hands the socket over, or keeps it because the request comes in pieces.
    socket.prependListener("data", () => handle?.readStop());
    socket.on("data", () => {
      const isStillOurs = (socket as unknown as Readable)._handle !== null;
      if (isStillOurs) handle?.readStart();
    });
  });
}
