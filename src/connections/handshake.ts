import { randomBytes } from "node:crypto";
import type { Authenticator } from "../access/authenticator";
import { bearerToken } from "../access/request";
import type { ConnectError } from "../protocol/events";
import { toChatError, type ChatError } from "../protocol/refusals";
import type { Rooms } from "../protocol/rooms";
import { validateHandshakeAuth } from "../protocol/validation";
import type { ConnectionsDeps } from "./admission";
import type { ChatIo, ChatSocket, Connection } from "./engine";
import type { OptIns, SocketData } from "./session";

const ENGINE_IO_3 = 3; // its clients cannot send an `auth`
const ID_BYTES = 9; // random; few, because the id is in every presence event, yet enough to be unique

export interface HandshakeDeps extends Pick<ConnectionsDeps, "log" | "metrics"> {
  /** Undefined: authentication is off. */
  authenticator: Authenticator | undefined;
  rooms: Rooms;
}

/**
 * Installs Socket.IO middleware that accepts one socket per connection, verifies its token, validates its `auth` and
 * fills `socket.data`. Otherwise it refuses the socket with `connect_error`. Of the `auth` it keeps `socket.data` alone:
 * parsed, an `auth` of one packet can take a megabyte, and Socket.IO would keep it as long as the connection.
 */
export function guardHandshake(io: ChatIo, deps: HandshakeDeps): void {
  const { log, metrics } = deps;
  const connected = new WeakSet<Connection>();
  const accept = async (socket: ChatSocket): Promise<Error | undefined> => {
    // Socket.IO opens a socket per CONNECT packet until the first has passed the middleware: one write of 1,000
    // packets would make 1,000 sockets, and each broadcast would go to all of them.
    if (connected.has(socket.conn)) return new Error("Already connected");
    connected.add(socket.conn);
    try {
      socket.data = await dataOf(socket, deps);
      return undefined;
    } catch (thrown) {
      const refusal = toChatError(thrown);
      if (thrown !== refusal) log.error("handshake failed", { err: thrown });
      metrics.connectionsRefused.inc({ reason: refusal.message });
      return connectError(refusal);
    } finally {
      socket.handshake.auth = {};
    }
  };
  io.use((socket, next) => void accept(socket).then(next));
}

/** Verifies the token before it looks at the rest: an unauthorized client learns nothing else. */
async function dataOf({ conn, handshake }: ChatSocket, deps: HandshakeDeps): Promise<SocketData> {
  const auth = conn.protocol === ENGINE_IO_3 ? {} : handshake.auth;
  const identity = await deps.authenticator?.verify(auth.token ?? bearerToken(conn.request));
  return { id: randomBytes(ID_BYTES).toString("base64url"), identity, optIns: optInsOf(auth, deps.rooms) };
}

function optInsOf({ pid, offset, ...auth }: Record<string, unknown>, rooms: Rooms): OptIns {
  void [pid, offset]; // socket.io-client adds them when it has used a server with connection state recovery
  const { resume, typing = false, presence = "snapshot" } = validateHandshakeAuth(auth);
  const known = resume && rooms.names().filter((room) => Object.hasOwn(resume, room));
  return { typing, presence, resume: known && new Map(known.map((room) => [room, resume[room] ?? null])) };
}

/** Returns the error that Socket.IO sends as `connect_error`. */
function connectError({ message, status, errors }: ChatError): Error & ConnectError {
  const data = { status, ...(errors.length > 0 && { errors: [...errors] }) };
  return Object.assign(new Error(message), { data });
}
