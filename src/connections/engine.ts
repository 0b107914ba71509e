import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket as ChatSocket } from "socket.io";
import type { WebSocket } from "ws";
import type { Identity } from "../access/identity";
import type { ClientToServerEvents, ServerToClientEvents } from "../protocol/events";

/** What a client asked for in its handshake. */
export interface OptIns {
  typing: boolean;
  presence: "snapshot" | "diff";
  /** room name → the offset to resume after, or null for "from now on"; undefined: a base client */
  resume: ReadonlyMap<string, string | null> | undefined;
}

export interface SocketData {
  /** Names the client's presence to others; the socket's id would not do, for Engine.IO 3 it opens the session. */
  id: string;
  /** Undefined where no one has to say who they are. */
  identity: Identity | undefined;
  optIns: OptIns;
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

/** Resolves when the connection closes. */
export function closed(conn: EngineConnection): Promise<void> {
  return new Promise((resolve) => conn.once("close", () => resolve()));
}

/** Closes in good manners where the client can hear of it. Without a poll Engine.IO would wait 30 s for one. */
export function closeOrTerminate(conn: EngineConnection): void {
  if (canHearClose(conn)) conn.close();
  else terminate(conn);
}
