import { ChatError, REFUSALS } from "../protocol/refusals";
import { RoomScope } from "./roomScope";

/** The verified claims of a token. `undefined` where an Identity is expected means: authentication is off. */
export interface Identity {
  username: string;
  /** The rooms that the client may read and write. */
  rooms: RoomScope;
  /** When the token expires, in monotonic ms, so that a step of the clock does not move it; Infinity: never. */
  expiresAt: number;
}

/**
 * Throws the refusal of an event that the token does not permit: `Not allowed` for another username or another room,
 * `Unauthorized` after its expiry (timers that close the connection may be late). `at` is in monotonic ms.
 */
export function authorize(
  identity: Identity | undefined,
  user: string,
  room: string,
  at = performance.now(),
): void {
  if (identity === undefined) return;
  if (identity.expiresAt <= at) throw new ChatError(REFUSALS.unauthorized);
  if (user !== identity.username) throw new ChatError(REFUSALS.notAllowed);
  authorizeReading(identity, room);
}

/** Throws the refusal `Not allowed` for a room that the token does not permit. */
export function authorizeReading(identity: Identity | undefined, room: string): void {
  if (!roomsOf(identity).includes(room)) throw new ChatError(REFUSALS.notAllowed);
}

/** Returns the rooms that a client may read and write: every room when authentication is off. */
export function roomsOf(identity: Identity | undefined): RoomScope {
  return identity?.rooms ?? RoomScope.ALL;
}
