import type { RoomScope } from "../access/roomScope";
import type { PresentUser } from "../protocol/events";

/** What happened to one client's presence. */
export interface PresenceChange {
  id: string;
  /** The room it was in; undefined: it had no presence. */
  from: string | undefined;
  /** The room it is in; undefined: it has left. The same as `from`: only name and avatar have changed. */
  to: string | undefined;
  /** `PresentUser` as JSON, as it is now, or was last. */
  json: string;
}

export interface PresenceListener {
  /** Hears of every change, whoever made it; changes that became known together come together. */
  onChange: (changes: readonly PresenceChange[]) => void;
  /** Another node has left or is taken for dead, and its clients with it. */
  onNodeGone: (nodeId: string) => void;
}

/** What is to be shown of who is where. */
export interface PresenceForm {
  /** Whether the clients' ids are shown. */
  ids?: boolean;
  /** The rooms whose clients are shown; other rooms are shown empty. Default: all rooms. */
  rooms?: RoomScope;
}

/**
 * Who is in which room, over all nodes. A client has one presence, in one room, named by `id`. What this node
 * puts it sees at once, others soon after; what they put it hears of through the listener. A node that vanishes
 * takes its clients with it within 30 s. test/contracts/presenceStoreContract.ts holds every store to this.
 */
export interface PresenceStore {
  /** Begins to tell, and to share with other nodes, if the store does; needs nothing to be reachable. */
  start(listener: PresenceListener): void;
  /**
   * Puts the client into the room, at its end, unless it is there already: then only name and avatar change,
   * and the order stays.
   */
  put(id: string, user: PresentUser, room: string): void;
  /** Forgets the client, if it had a presence. */
  remove(id: string): void;
  /** JSON of `usersPerRoom` as it stands: a key for every room, users in order of arrival. */
  toJson(form?: PresenceForm): string;
  /** Takes this node's clients out of what others see. */
  stop(): Promise<void>;
}
