import type { PresentUser } from "../protocol/events";

/** Who is in which room. A client has one presence, in one room, named by `id`. */
export interface PresenceStore {
  /**
   * Puts the client into the room, at its end, unless it is there already: then only name and avatar change,
   * and the order stays. Returns whether the client's room changed (a first presence is a change).
   */
  put(id: string, user: PresentUser, room: string): boolean;
  /** Forgets the client. Returns whether it had a presence. */
  remove(id: string): boolean;
  /** JSON of `usersPerRoom` as it stands: a key for every room, users in order of arrival. */
  toJson(): string;
}
