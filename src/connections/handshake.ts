import { randomBytes } from "node:crypto";
import type { Authenticator } from "../access/authenticator";
import { bearerToken } from "../access/request";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import type { ConnectError } from "../protocol/events";
import { toChatError, type ChatError } from "../protocol/refusals";
import { validateHandshakeAuth } from "../protocol/validation";
import type { ChatIo, ChatSocket, Connection } from "./engine";
import type { OptIns, SocketData } from "./session";

const ENGINE_IO_3 = 3; // its clients cannot send an `auth`
const ID_BYTES = 9; // random; few, because the id is in every presence event, yet enough to be unique

export interface HandshakeDeps {
  /** Undefined: authentication is off. */
  authenticator: Authenticator | undefined;
  log: ClientEventLog;
  metrics: Pick<Metrics, "connectionsRefused">;
}

/**
 * Installs Socket.IO middleware that accepts one socket per connection, verifies its token, validates its `auth` and
 * fills `socket.data`. Otherwise it refuses the socket with `connect_error`.
 */
export function guardHandshake(io: ChatIo, { authenticator, log, metrics }: HandshakeDeps): void {
  const connected = new WeakSet<Connection>();
  io.use((socket, next) => {
    // Socket.IO opens a socket per CONNECT packet until the first has passed the middleware: one write of 1,000
    // packets would make 1,000 sockets, and each broadcast would go to all of them.
    if (connected.has(socket.conn)) {
      next(new Error("Already connected"));
      return;
    }
    connected.add(socket.conn);
    socketData(socket, authenticator).then(
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

/** Verifies the token before it looks at the rest: an unauthorized client learns nothing else. */
async function socketData(socket: ChatSocket, authenticator: Authenticator | undefined): Promise<SocketData> {
  const identity = await authenticator?.verify(tokenOf(socket));
  return { id: randomBytes(ID_BYTES).toString("base64url"), identity, optIns: optInsOf(socket) };
}

function tokenOf({ conn, handshake }: ChatSocket): unknown {
  const authToken: unknown = conn.protocol === ENGINE_IO_3 ? undefined : handshake.auth.token;
  return authToken ?? bearerToken(conn.request);
}

function optInsOf({ conn, handshake }: ChatSocket): OptIns {
  if (conn.protocol === ENGINE_IO_3) return { typing: false, presence: "snapshot", resume: undefined };
  // socket.io-client adds these two when it has used a server with connection state recovery. They mean nothing here.
  const { pid, offset, ...auth } = handshake.auth;
  void [pid, offset];
  const { resume, typing = false, presence = "snapshot" } = validateHandshakeAuth(auth);
  return { typing, presence, resume: resume === undefined ? undefined : new Map(Object.entries(resume)) };
}

/** Returns the error that Socket.IO sends as `connect_error`. */
function connectError({ message, status, errors }: ChatError): Error & ConnectError {
  const data = { status, ...(errors.length > 0 && { errors: [...errors] }) };
  return Object.assign(new Error(message), { data });
}
