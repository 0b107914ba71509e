import type { Server, Socket as ChatSocket } from "socket.io";
import type { WebSocket } from "ws";
import type { ClientToServerEvents, ServerToClientEvents } from "../protocol/events";

/** What a connection remembers of its client. */
export interface SocketData {
  /** Where the client connects from, behind the trusted proxies. */
  ip: string;
}

type NoEvents = Record<string, never>;
export type ChatIo = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;
export type Connection = ChatSocket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;

/** One Engine.IO connection: the transport under a Socket.IO socket, websocket or long polling. */
export type EngineConnection = Connection["conn"];

/** A packet as Engine.IO queues it; its own types leave the options out. */
export interface EnginePacket {
  type: string;
  data?: string | Buffer;
  options?: { wsPreEncodedFrame?: Buffer[] };
}

/** The websocket under the connection, or undefined on long polling. */
export function webSocketOf(conn: EngineConnection): WebSocket | undefined {
  return (conn.transport as { socket?: WebSocket }).socket;
}

/**
 * Ends the connection now. `close()` would wait for a client that reads nothing: on websocket for the drain of
 * what is queued, on long polling for the next poll.
 */
export function terminate(conn: EngineConnection): void {
  const webSocket = webSocketOf(conn);
  if (webSocket === undefined) conn.close(true);
  else webSocket.terminate();
}

/** Whether a close reaches the client now: on long polling only a waiting poll can carry it. */
export function canHearClose(conn: EngineConnection): boolean {
  return webSocketOf(conn) !== undefined || conn.transport.writable;
}

/** Closes in good manners where the client can hear of it. Without a poll Engine.IO would wait 30 s for one. */
export function closeOrTerminate(conn: EngineConnection): void {
  if (canHearClose(conn)) conn.close();
  else terminate(conn);
}
