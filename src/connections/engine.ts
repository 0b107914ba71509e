import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "socket.io";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";
import type { ClientToServerEvents, ServerToClientEvents } from "../protocol/events";
import type { SocketData } from "./session";

/** For a client to answer a close, or to fetch it with a poll. Then its socket is destroyed. */
export const CLOSE_GRACE_MS = 2_000;

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

/** The websocket server for Engine.IO. By default `ws` gives a client 30 s to answer a close frame. */
export class WebSocketEngine extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, closeTimeout: CLOSE_GRACE_MS } as ServerOptions); // the type lacks `closeTimeout`
  }
}

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

/** On long polling Engine.IO gives a client 30 s to fetch the close with a poll. This makes it `CLOSE_GRACE_MS`. */
export function limitCloseTime(conn: Connection): void {
  if (webSocketOf(conn) === undefined) Object.assign(conn.transport, { closeTimeout: CLOSE_GRACE_MS });
}

/**
 * Calls `listener` once the connection and its websocket are closed. Engine.IO's `close` event comes earlier, when the
 * close frame is sent.
 */
export function onceSocketClosed(conn: Connection, listener: () => void): void {
  conn.once("close", () => {
    const webSocket = webSocketOf(conn);
    if (webSocket === undefined || webSocket.readyState === webSocket.CLOSED) listener();
    else webSocket.once("close", listener);
  });
}

/** Resolves when the connection closes. */
export function closed(conn: Connection): Promise<void> {
  return new Promise((resolve) => conn.once("close", () => resolve()));
}
