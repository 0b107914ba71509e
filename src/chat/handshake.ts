import { toChatError, type ChatError } from "../errors";
import type { Metrics } from "../metrics";
import { validateHandshakeAuth } from "../protocol/validate";
import type { ChatIo, Connection, EngineConnection, OptIns } from "./engine";

const ENGINE_IO_3 = 3; // its clients cannot send an `auth`

/** Decides about a socket before it exists: one for each connection, and only with an `auth` that makes sense. */
export function guardHandshake(io: ChatIo, metrics: Metrics): void {
  const connected = new WeakSet<EngineConnection>();
  io.use((socket, next) => {
    // Socket.IO opens a socket per CONNECT packet until the first has gone through: one write of 1,000
    // packets would make 1,000 sockets, all fed by every broadcast.
    if (connected.has(socket.conn)) {
      next(new Error("Already connected"));
      return;
    }
    connected.add(socket.conn);
    try {
      socket.data.optIns = optInsOf(socket);
      next();
    } catch (error) {
      const refusal = toChatError(error);
      metrics.connectionsRefused.inc({ reason: refusal.message });
      next(connectError(refusal));
    }
  });
}

function optInsOf({ conn, handshake }: Connection): OptIns {
  if (conn.protocol === ENGINE_IO_3) return { typing: false, resume: undefined };
  // Clients of servers with connection state recovery carry these two along; they ask for nothing here.
  const { pid, offset, ...auth } = handshake.auth;
  void [pid, offset];
  const { resume, typing = false } = validateHandshakeAuth(auth);
  return { typing, resume: resume === undefined ? undefined : new Map(Object.entries(resume)) };
}

/** What Socket.IO sends as `connect_error`: the message, and `data` beside it. */
function connectError({ message, status, errors }: ChatError): Error {
  return Object.assign(new Error(message), { data: { status, errors } });
}
