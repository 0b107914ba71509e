import type { ChatMessage, MessageReceipt } from "../protocol/events";

/** A message as the log keeps it. */
export interface StoredMessage {
  room: string;
  /** Its place in the room. Opaque outside the log. */
  offset: string;
  /** The `ChatMessage` as JSON: the text that is sent, too, so it need not be parsed. */
  json: string;
}

/**
 * Receives each stored message. `isMoreComing` is a hint for batching: true when the next call follows within
 * milliseconds, so the receiver may delay its writes to the sockets until then. False promises nothing.
 */
export type Deliver = (message: StoredMessage, isMoreComing: boolean) => void;

/** Selects a part of a room: after an offset, before an offset, or the newest messages. Not both offsets. */
export interface PageRequest {
  after?: string;
  before?: string;
  /** At least 1. The caller limits it, because the log holds the whole page in memory. */
  limit: number;
  /** The page ends before the message whose JSON would exceed it, but holds at least one message. Default: no bound. */
  maxBytes?: number;
}

export interface Page {
  /** Oldest first. */
  messages: StoredMessage[];
  /** `before` of the request for the next older page; null if there is none. */
  before: string | null;
  /** `after` of the request for the next newer page; null if there is none. */
  after: string | null;
}

/**
 * The messages of all rooms: one write path, one order, for live delivery, replay, history and idempotency. The suite
 * test/contracts/messageLogContract.ts checks these promises on every implementation:
 * - Order: each message has one place in its room, the same in delivery, in pages and on every node.
 * - Offsets: an offset is valid while its message is kept, also after restarts. When the log may have lost messages, it
 *   starts a new epoch and rejects the offsets of the old one. So a stale offset never names another message.
 * - Retention: each room keeps its newest messages, up to a maximum count.
 *
 * A room is named by its `ChatRoom.name`; the caller has checked that the room exists.
 */
export interface MessageLog {
  /** Why the log cannot store messages now, in words for operators; undefined while it can store them. */
  readonly failure: string | undefined;
  /**
   * Opens the store. From then on, calls `deliver` once for every message that is stored, per room in offset order,
   * never re-entrantly, and `onGap` when messages were lost before this process could deliver them: live clients must
   * resume. Rejects with StoreError when the store cannot be used.
   */
  start(deliver: Deliver, onGap?: () => void): Promise<void>;
  /**
   * Resolves once the message is stored and was passed to `deliver`. With `idempotent`, (username, room, uuid) is
   * the message's key for 10 minutes (embedded log: for the latest 200,000 keys at most). Another append with the
   * key resolves with the receipt of the first, also while the first is still being stored, and stores nothing.
   * Rejects with KeyReusedError when the key belongs to another text, and with StoreError when the message was not
   * stored in time. With Redis it may be stored nevertheless, if the answer was lost; a repeat under its key is safe.
   */
  append(message: ChatMessage, options: { idempotent: boolean }): Promise<MessageReceipt>;
  /**
   * Reads messages that were delivered. Rejects with UnknownOffsetError when the offset is not of this log, not yet
   * given out, or (`after` only) its next message is no longer kept; with StoreError when the store cannot be read.
   */
  read(room: string, request: PageRequest): Promise<Page>;
  /** Returns the offset of the last message delivered in the room, or of the place before its first message. */
  head(room: string): string;
  /** Returns how many messages follow the offset; negative: not yet delivered here; undefined: of another log. */
  distance(room: string, offset: string): number | undefined;
  /** Stores the appended messages, then closes the store. Later appends and reads reject with StoreError. */
  stop(): Promise<void>;
}

export class StoreError extends Error {} // the log cannot store or read now
export class UnknownOffsetError extends Error {} // the offset names no place that this log keeps
export class KeyReusedError extends Error {} // the idempotency key belongs to a message with another text
