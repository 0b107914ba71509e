import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "socket.io";
import type { WebSocket } from "ws";
import type { SocketData } from "./session";
import type { ClientToServerEvents, ServerToClientEvents } from "../protocol/events";

type NoEvents = Record<string, never>;
export type ChatIo = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;

/** One Engine.IO connection: the transport under a Socket.IO socket, websocket or long polling. */
export type Connection = ChatSocket["conn"];

/** A packet as Engine.IO queues it; its own types leave the options out. */
export interface EnginePacket {
  type: string;
  data?: string | Buffer;
  options?: { wsPreEncodedFrame?: Buffer[] };
}

export type EngineRequest = IncomingMessage & { _query: Record<string, string | undefined> };
/** Websocket upgrades get a stand-in that emits `close` and little else. */
export type EngineResponse = ServerResponse | EventEmitter;

/**
 * Whether the request opens a new session, over either transport. Engine.IO tests the truthiness of `sid`, so an
 * empty one opens a session, too.
 */
export function isHandshake({ _query, method }: EngineRequest): boolean {
  return !_query.sid && method !== "OPTIONS";
}

/** The websocket under the connection, or undefined on long polling. */
export function webSocketOf(conn: Connection): WebSocket | undefined {
  return (conn.transport as { socket?: WebSocket }).socket;
}

/**
 * Ends the connection now. `close()` would wait for a client that reads nothing: on websocket for the drain of
 * what is queued, on long polling for the next poll.
 */
export function terminate(conn: Connection): void {
  const webSocket = webSocketOf(conn);
  if (webSocket === undefined) conn.close(true);
  else webSocket.terminate();
}

/** Whether a close reaches the client now: on long polling only a waiting poll can carry it. */
export function canHearClose(conn: Connection): boolean {
  return webSocketOf(conn) !== undefined || conn.transport.writable;
}

/** Resolves when the connection closes. */
export function closed(conn: Connection): Promise<void> {
  return new Promise((resolve) => conn.once("close", () => resolve()));
}

/** Closes in good manners where the client can hear of it. Without a poll Engine.IO would wait 30 s for one. */
export function closeOrTerminate(conn: Connection): void {
  if (canHearClose(conn)) conn.close();
  else terminate(conn);
}
