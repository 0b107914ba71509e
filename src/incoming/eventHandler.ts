import type { Identity } from "../access/identity";
import type { RateLimit } from "../access/rateLimit";
import type { Connection } from "../connections/engine";
import type { PresenceAnswers } from "../delivery/presence/presenceAnswers";
import type { TypingClients } from "../delivery/typingClients";
import type { MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../observability/metrics";
import type { PresenceStore } from "../presence/presenceStore";
import type { Rooms } from "../protocol/rooms";

export interface HandlerDeps {
  rooms: Rooms;
  messageLog: MessageLog;
  presenceStore: PresenceStore;
  presenceAnswers: PresenceAnswers;
  typing: TypingClients;
  metrics: Metrics;
}

/** The client that sent an event, and how it sent it. */
export interface Sender {
  /** The id of the client's presence. */
  id: string;
  /** What the client may do; undefined: authentication is off. */
  identity: Identity | undefined;
  conn: Connection;
  /** Whether the client passed a callback, which then receives the result. */
  wantsAck: boolean;
}

/**
 * Handles one event. Returns the data of the ack; undefined if there is none to send, because the client has left or
 * passed no callback. Throws, or rejects with, the ChatError that refuses the event; every other error is answered as
 * `Internal server error`.
 */
export type Handle<Result> = (payload: unknown, sender: Sender) => Result | Promise<Result>;

export interface EventHandler {
  /** Counted per connection, before the payload is validated. */
  limit: RateLimit;
  handle: Handle<unknown>;
}
