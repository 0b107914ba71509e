import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "socket.io";
import type { WebSocket } from "ws";
import type { ClientToServerEvents, ServerToClientEvents } from "../protocol/events";
import type { SocketData } from "./session";

type NoEvents = Record<string, never>;
export type ChatIo = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;

/** One Engine.IO connection: the transport under a Socket.IO socket, websocket or long polling. */
export type Connection = ChatSocket["conn"];

/** A packet as Engine.IO queues it. Engine.IO's own type lacks the options. */
export interface EnginePacket {
  type: string;
  data?: string | Buffer;
  options?: { wsPreEncodedFrame?: Buffer[] };
}

export type EngineRequest = IncomingMessage & { _query: Record<string, string | undefined> };
/** For websocket upgrades Engine.IO passes a stand-in that emits `close` and little else. */
export type EngineResponse = ServerResponse | EventEmitter;

/** Whether the request opens a session, over either transport. Engine.IO treats an empty `sid` as missing. */
export function isHandshake({ _query, method }: EngineRequest): boolean {
  return !_query.sid && method !== "OPTIONS";
}

/** Returns the websocket under the connection, or undefined on long polling. */
export function webSocketOf(conn: Connection): WebSocket | undefined {
  return (conn.transport as { socket?: WebSocket }).socket;
}

/** Ends the connection now. `close()` would wait until the client has read the queue, or sends the next poll. */
export function terminate(conn: Connection): void {
  const webSocket = webSocketOf(conn);
  if (webSocket === undefined) conn.close(true);
  else webSocket.terminate();
}

/** Whether a close reaches the client now. On long polling only a waiting poll can carry it. */
export function canSendClose(conn: Connection): boolean {
  return webSocketOf(conn) !== undefined || conn.transport.writable;
}

/** Closes the connection with a notice to the client if one can be sent now. Engine.IO would wait 30 s for a poll. */
export function closeOrTerminate(conn: Connection): void {
  if (canSendClose(conn)) conn.close();
  else terminate(conn);
}

/** Resolves when the connection closes. */
export function closed(conn: Connection): Promise<void> {
  return new Promise((resolve) => conn.once("close", () => resolve()));
}
