import type { Identity } from "../access/identity";
import type { Connection } from "../connections/engine";
import type { RateLimit } from "../access/rateLimit";

/** Who sent an event, and how. */
export interface Sender {
  /** Names the client's presence. */
  id: string;
  /** Whom and what the event may name; undefined: anybody, anything. */
  identity: Identity | undefined;
  conn: Connection;
  /** Whether the client passed a callback, which then gets the result. */
  wantsAck: boolean;
}

/** What the service does with one kind of event that clients send. */
export interface EventHandler<Result> {
  /** Counted per connection, before the payload is looked at. */
  limit: RateLimit;
  /** Returns what an ack gets, or throws the ChatError that refuses the event. */
  handle: (payload: unknown, sender: Sender) => Result | Promise<Result>;
}
