import type { RoomScope } from "../access/roomScope";
import type { PresentUser } from "../protocol/events";

/** One change of one client's presence. */
export interface PresenceChange {
  id: string;
  /** The room before the change; undefined: the client had no presence. */
  from: string | undefined;
  /** The room after the change; undefined: the client left. Equal to `from`: only name or avatar changed. */
  to: string | undefined;
  /** `PresentUser` as JSON: the current one, or the last one of a client that left. */
  json: string;
}

export interface PresenceListener {
  /** Called with every change, of all nodes including this one. Changes that arrive together are one call. */
  onChange: (changes: readonly PresenceChange[]) => void;
  /** Called when another node stopped or was declared dead. Its clients are removed at the same time. */
  onNodeGone: (nodeId: string) => void;
}

export interface PresenceJsonOptions {
  /** Adds each client's `id`. Default: false. */
  withIds?: boolean;
  /** Rooms outside this scope have an empty list. Default: all rooms. */
  rooms?: RoomScope;
}

/**
 * The clients of all nodes and the room of each. A client, named by `id`, has one presence in one room. A change by
 * this node is visible here at once and on other nodes soon after. The clients of a dead node disappear within 30 s.
 */
export interface PresenceStore {
  /** Starts to call the listener. Call it once. Does not wait for a connection; an unreachable Redis is no error. */
  start(listener: PresenceListener): void;
  /**
   * Puts the client into the room, last in the room's order. A client that is in the room already keeps its place;
   * only name and avatar change. Throws an Error for a room that the store was not created with.
   */
  put(id: string, user: PresentUser, room: string): void;
  /** Removes the client's presence. Does nothing if it has none. */
  remove(id: string): void;
  /** Returns `usersPerRoom` as JSON: a key for every room, users in order of arrival. */
  toJson(options?: PresenceJsonOptions): string;
  /** Removes this node's clients from the other nodes. Never rejects; a second call does nothing. */
  stop(): Promise<void>;
}
