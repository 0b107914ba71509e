import type { PresentUser } from "../protocol/events";

/** What a store tells of other nodes' clients. */
export interface PresenceListener {
  /** Somebody came, went or changed rooms elsewhere. */
  onChange: () => void;
  /** Another node has left or is taken for dead, and its clients with it. */
  onNodeGone: (nodeId: string) => void;
}

/**
 * Who is in which room, over all nodes. A client has one presence, in one room, named by `id`. What this node
 * puts it sees at once, others soon after; what they put it hears of through the listener. A node that vanishes
 * takes its clients with it within 30 s. test/contracts/presenceStoreContract.ts holds every store to this.
 */
export interface PresenceStore {
  /** Begins to share with other nodes, if the store does; needs nothing to be reachable. */
  start(listener: PresenceListener): void;
  /**
   * Puts the client into the room, at its end, unless it is there already: then only name and avatar change,
   * and the order stays. Returns whether the client's room changed (a first presence is a change).
   */
  put(id: string, user: PresentUser, room: string): boolean;
  /** Forgets the client. Returns whether it had a presence. */
  remove(id: string): boolean;
  /** JSON of `usersPerRoom` as it stands: a key for every room, users in order of arrival. */
  toJson(): string;
  /** Takes this node's clients out of what others see. */
  stop(): Promise<void>;
}
