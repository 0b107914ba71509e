import type { ManagerOptions, Socket, SocketOptions } from "socket.io-client";
import type { HistoricalMessage, PresenceInformation, TypingInformation } from "../protocol/events";
import type { ChatClientError } from "./chatClientError";
import type { FetchLike, GetToken } from "./historyReader";

export type { FetchLike, GetToken, HistoryRequest } from "./historyReader";
export type {
  ChatMessage,
  HistoricalMessage,
  HistoryPage,
  MessageReceipt,
  PresenceInformation,
  PresentUser,
  TypingInformation,
} from "../protocol/events";
export type { ChatRoom, Offset } from "../protocol/payloads";

export type SocketSettings = Partial<ManagerOptions & SocketOptions>;

export interface ChatClientOptions {
  /** Who sends; can be set later, before the first `send`. */
  username?: string;
  /**
   * Gets the JSON Web Token that says who the client is, where the server asks for one: called for each connection and
   * each page of history, so it should keep the token until shortly before its expiry. The username must be the
   * token's. When the server refuses the token, or the callback fails, the client asks for another one, later.
   */
  auth?: GetToken;
  /** Default: `["polling", "websocket"]`, as Socket.IO has it. */
  transports?: ("polling" | "websocket")[];
  /** How long an answer may take before the request is sent again, or a page of history fails; default 10,000 ms. */
  requestTimeout?: number;
  /** The wait after the first failure; doubles with each further one. Default 200 ms. */
  retryDelay?: number;
  /** Default 10,000 ms. */
  maxRetryDelay?: number;
  /** For history; default: the global one. */
  fetch?: FetchLike;
  /** Handed to Socket.IO; an `auth` in it is sent along with what the client asks for itself. */
  socketOptions?: SocketSettings;
  /** Makes the socket instead of socket.io-client's `io`. For tests. */
  connector?: (url: string, settings: SocketSettings) => Socket;
}

export interface SendOptions {
  /**
   * By default a new one. An application that keeps messages until they are stored, across a reload or a crash, gives
   * the one of the earlier try: as long as the server remembers it the message is stored once.
   */
  uuid?: string;
}

/**
 * - `connecting`: an attempt is under way
 * - `online`: what was missed has been shown, but for the rooms in `recovering`; messages are being sent
 * - `offline`: not connected; unless the server refused the handshake (an `error` event with status 400, or 401 where
 *   there is no `auth` to get another token from), the next attempt comes by itself
 * - `closed`: by `close()`, for good
 */
export type ChatState = "connecting" | "online" | "offline" | "closed";

export interface ChatStatus {
  state: ChatState;
  /** Messages shown since this connection began that were said before it. */
  recovered: number;
  /** Rooms whose missed messages are being read from history; until then their live ones wait. */
  recovering: string[];
  /** Rooms where messages may be missing between those shown before and after this connection began. */
  incomplete: string[];
}

/** Event → what its listeners get. */
export interface ChatClientEvents {
  /** Each message once, in its room's order. */
  message: HistoricalMessage;
  /** Everybody, each user once per room; on every change. */
  presence: PresenceInformation;
  typing: TypingInformation;
  /** A refusal that no promise tells of, a failed attempt to connect (status 0), unreadable history. */
  error: ChatClientError;
  /** On every change. */
  status: ChatStatus;
}
