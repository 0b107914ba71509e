import type { ManagerOptions, SocketOptions } from "socket.io-client";
import type { HistoricalMessage, PresenceInformation, TypingInformation } from "../protocol/events";
import type { Offset } from "../protocol/payloads";
import type { ChatClientError } from "./chatClientError";

export type {
  ChatMessage,
  HistoricalMessage,
  MessageReceipt,
  PresenceInformation,
  PresentUser,
  TypingInformation,
} from "../protocol/events";
export type { HistoryPage } from "../protocol/answers";
export type { ChatRoom, Offset } from "../protocol/payloads";

/** Options of socket.io-client. */
export type SocketSettings = Partial<ManagerOptions & SocketOptions>;

/** Returns a JSON Web Token that is valid now. */
export type GetToken = () => string | Promise<string>;

/** The part of `fetch` that reading history uses. */
export type FetchLike = (
  url: string,
  init: { signal: AbortSignal; headers: Record<string, string> },
) => Promise<{ status: number; json(): Promise<unknown> }>;

export interface ChatClientOptions {
  /** The sender's name, 1–64 code points. Can be set later, before the first `send`. */
  username?: string;
  /**
   * Returns the JSON Web Token of the user, for servers that require one. It is called for each connection and each page
   * of history, so it should cache the token until shortly before its expiry. The token's username must be `username`.
   * When the server refuses the token (401), or the callback throws or rejects, the client emits `error` and calls it
   * again after a delay.
   *
   * Default: none; the client connects without a token.
   */
  auth?: GetToken;
  /**
   * Milliseconds until a message without an answer is sent again, and until a page of history fails. Default: 10,000.
   */
  requestTimeout?: number;
  /**
   * Milliseconds to wait after the first failure; doubles with each further one. It applies to reconnecting, to sending
   * and to reading missed messages. Default: 200.
   */
  retryDelay?: number;
  /** The longest wait between two tries, in milliseconds. Default: 10,000. */
  maxRetryDelay?: number;
  /** Reads history. Default: the global `fetch`. */
  fetch?: FetchLike;
  /**
   * Passed to socket.io-client, e.g. `{ transports: ["websocket"] }` (Socket.IO's default is `["polling", "websocket"]`).
   * An `auth` in it is merged with what the client sends itself. `reconnection: false` turns off all reconnecting.
   */
  socketOptions?: SocketSettings;
}

export interface SendOptions {
  /**
   * The message's uuid, 1–64 characters. Default: a new one. An application that keeps messages until they are stored,
   * across a reload or a crash, passes the uuid of the earlier try; the message is then stored once, for as long as the
   * server remembers the uuid (at least 10 minutes).
   */
  uuid?: string;
}

/** Selects a page of history. Without `before` and `after` it is the newest page. */
export interface HistoryRequest {
  /** The page that ends before this offset. */
  before?: Offset;
  /** The page that begins after this offset; not together with `before`. */
  after?: Offset;
  /** Messages on the page, 1–200. Default: 50. */
  limit?: number;
}

/**
 * - `connecting`: an attempt is under way
 * - `online`: messages are sent, and missed messages have been shown, except in the rooms in `recovering`
 * - `offline`: not connected. The next attempt is made automatically, unless the server refused the handshake with 400,
 *   or with 401 and there is no `auth` to get another token from
 * - `closed`: closed by `close()`, for good
 */
export type ChatState = "connecting" | "online" | "offline" | "closed";

export interface ChatStatus {
  state: ChatState;
  /** Number of missed messages that were shown since this connection began. */
  recovered: number;
  /** Rooms whose missed messages are being read from history. Their live messages wait until that is done. */
  recovering: string[];
  /** Rooms where messages may be missing between those shown before and after this connection began. */
  incomplete: string[];
}

/** Event → payload. */
export interface ChatClientEvents {
  /** A message in any room, also one of the client's own. Each message comes once, in its room's order. */
  message: HistoricalMessage;
  /** All rooms with their users, on every change. Each username is listed once per room. */
  presence: PresenceInformation;
  /** Another client began or stopped typing. Best effort: the `isTyping: false` may be lost, so let it expire. */
  typing: TypingInformation;
  /**
   * A failure that no promise reports: a refused presence or typing event, a failed attempt to connect (status 0, 400 or
   * 401), missed messages that could not be read.
   */
  error: ChatClientError;
  /** The status, on every change. */
  status: ChatStatus;
}
