import { randomBytes } from "node:crypto";
import type { Authenticator } from "../access/authenticator";
import { bearerToken } from "../access/bearer";
import { toChatError, type ChatError } from "../protocol/refusals";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import type { ConnectError } from "../protocol/events";
import { validateHandshakeAuth } from "../protocol/validation";
import type { ChatIo, ChatSocket, Connection } from "./engine";
import type { OptIns, SocketData } from "./session";

const ENGINE_IO_3 = 3; // its clients cannot send an `auth`
const ID_BYTES = 9; // of randomness: short, for it stands in every presence event, and no two are alike

export interface HandshakeOptions {
  /** Undefined: anybody may come in. */
  authenticator: Authenticator | undefined;
  log: ClientEventLog;
  metrics: Metrics;
}

/** Decides about a socket before it exists: one for each connection, of whom it says, with an `auth` that makes sense. */
export function guardHandshake(io: ChatIo, { authenticator, log, metrics }: HandshakeOptions): void {
  const connected = new WeakSet<Connection>();
  io.use((socket, next) => {
    // Socket.IO opens a socket per CONNECT packet until the first has gone through: one write of 1,000
    // packets would make 1,000 sockets, all fed by every broadcast.
    if (connected.has(socket.conn)) {
      next(new Error("Already connected"));
      return;
    }
    connected.add(socket.conn);
    admit(socket, authenticator).then(
      (data) => {
        socket.data = data;
        next();
      },
      (thrown: unknown) => {
        const refusal = toChatError(thrown);
        if (thrown !== refusal) log.error("handshake failed", { err: thrown });
        metrics.connectionsRefused.inc({ reason: refusal.message });
        next(connectError(refusal));
      },
    );
  });
}

/** Who it is comes first: strangers are told nothing else. */
async function admit(socket: ChatSocket, authenticator: Authenticator | undefined): Promise<SocketData> {
  const identity = await authenticator?.verify(tokenOf(socket));
  return { id: randomBytes(ID_BYTES).toString("base64url"), identity, optIns: optInsOf(socket) };
}

function tokenOf({ conn, handshake }: ChatSocket): unknown {
  const own: unknown = conn.protocol === ENGINE_IO_3 ? undefined : handshake.auth.token;
  return own ?? bearerToken(conn.request);
}

function optInsOf({ conn, handshake }: ChatSocket): OptIns {
  if (conn.protocol === ENGINE_IO_3) return { typing: false, presence: "snapshot", resume: undefined };
  // Clients of servers with connection state recovery carry these two along; they ask for nothing here.
  const { pid, offset, ...auth } = handshake.auth;
  void [pid, offset];
  const { resume, typing = false, presence = "snapshot" } = validateHandshakeAuth(auth);
  return { typing, presence, resume: resume === undefined ? undefined : new Map(Object.entries(resume)) };
}

/** What Socket.IO sends as `connect_error`. */
function connectError({ message, status, errors }: ChatError): Error & ConnectError {
  const data = { status, ...(errors.length > 0 && { errors: [...errors] }) };
  return Object.assign(new Error(message), { data });
}
