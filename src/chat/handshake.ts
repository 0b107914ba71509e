import type { ChatIo, EngineConnection } from "./engine";

/**
 * Lets each connection open one socket. Socket.IO opens one per CONNECT packet until the first has gone
 * through, so a single write of 1,000 packets would make 1,000 sockets, all fed by every broadcast.
 */
export function admitOneSocketPerConnection(io: ChatIo): void {
  const connected = new WeakSet<EngineConnection>();
  io.use((socket, next) => {
    if (connected.has(socket.conn)) {
      next(new Error("Already connected"));
      return;
    }
    connected.add(socket.conn);
    next();
  });
}
