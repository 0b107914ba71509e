import { ChatError, REFUSALS } from "../protocol/refusals";
import { RoomScope } from "./roomScope";

/** Who a token says that a client is, and what it may do. Undefined in its place: nobody has to say. */
export interface Identity {
  username: string;
  /** The rooms it may read and write. */
  rooms: RoomScope;
  /** ms since the epoch; Infinity: never. */
  expiresAt: number;
}

/** Throws the refusal of an event that the token does not cover: another's name, another room, too late. */
export function authorize(identity: Identity | undefined, username: string, room: string): void {
  if (identity === undefined) return;
  // The connection is about to be closed for it; timers may be late.
  if (identity.expiresAt <= Date.now()) throw new ChatError(REFUSALS.unauthorized);
  if (username !== identity.username) throw new ChatError(REFUSALS.notAllowed);
  authorizeReading(identity, room);
}

/** Throws the refusal of a room that the token does not cover. */
export function authorizeReading(identity: Identity | undefined, room: string): void {
  if (!roomsOf(identity).includes(room)) throw new ChatError(REFUSALS.notAllowed);
}

/** The rooms that a client may read and write; all of them where authentication is off. */
export function roomsOf(identity: Identity | undefined): RoomScope {
  return identity?.rooms ?? RoomScope.ALL;
}
