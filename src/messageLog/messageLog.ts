import type { ChatMessage } from "../protocol/events";

/** A message as the log keeps it. */
export interface StoredMessage {
  room: string;
  /** Where it stands in its room; opaque to everybody but the log. */
  offset: string;
  /** The `ChatMessage` as JSON: what is stored is what is sent, so nobody needs to parse it. */
  json: string;
}

export type Deliver = (message: StoredMessage, isMoreComing: boolean) => void;

export interface Receipt {
  uuid: string;
  serverTimestamp: string;
  offset: string;
  /** The message had been stored before under the same key; this is the first one's receipt. */
  duplicate: boolean;
}

/** A stretch of a room. At most one of `after` and `before` is given; with neither, the newest messages. */
export interface PageRequest {
  after?: string;
  before?: string;
  limit: number;
}

export interface Page {
  /** Oldest first. */
  messages: StoredMessage[];
  /** What to pass as `before` for the page of older messages; null where there are none. */
  before: string | null;
  /** What to pass as `after` for the page of newer messages; null where there are none. */
  after: string | null;
}

/**
 * The truth about what was said: one write path, one order. Live delivery, replay, history and idempotency all
 * read from here. A test suite, test/contracts/messageLogContract.ts, holds every implementation to this.
 *
 * - Order: within a room every message has one place, the same in delivery, in pages and on every node.
 * - An offset stays good as long as its message is kept, also over restarts. When the log may have lost
 *   messages it gives new offsets and knows the old ones no more, so that no stale one is taken for a good one.
 * - Retention is by count per room; the newest messages stay.
 */
export interface MessageLog {
  /** Why messages cannot be stored now; undefined while they can. In words for operators, not for clients. */
  readonly failure: string | undefined;

  /**
   * Opens the store and begins to call `deliver` with every message stored from now on, once, in room order;
   * never re-entrantly. `isMoreComing` says that others are being stored right now and will follow soon, so
   * that who writes them out may wait for them. `onGap` is called when messages were lost before this process
   * could deliver them: whoever listens live has missed some, and must resume. Rejects with a StoreError when
   * the store cannot be used.
   */
  start(deliver: Deliver, onGap?: () => void): Promise<void>;

  /**
   * Resolves once the message is stored and was delivered. With `idempotent`, (username, room, uuid) is its
   * key for at least 10 minutes (or the latest 200,000 keys): the same message again resolves with the first
   * one's receipt, also while that one is still being stored, and is neither stored nor delivered again.
   * Rejects with KeyReusedError when the key came with another text, with StoreError when the message could
   * not be stored; then nothing of it remains, and the key is free.
   */
  append(message: ChatMessage, options: { idempotent: boolean }): Promise<Receipt>;

  /**
   * Messages that were delivered, never more than `limit`. Rejects with UnknownOffsetError when the offset is
   * not of this log, or its position is no longer kept.
   */
  read(room: string, request: PageRequest): Promise<Page>;

  /** Offset of the last message delivered in the room, or of the place before its first. */
  head(room: string): string;

  /** Stores what was appended, then closes. */
  stop(): Promise<void>;
}

/** The log cannot store or read now. */
export class StoreError extends Error {}

/** The offset names no place that this log keeps. */
export class UnknownOffsetError extends Error {}

/** The idempotency key belongs to a message with another text. */
export class KeyReusedError extends Error {}
