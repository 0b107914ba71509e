import { authorize, authorizeReading, roomsOf, type Identity } from "../../src/access/identity";
import { RoomScope } from "../../src/access/roomScope";

const ANA: Identity = { username: "ana", rooms: RoomScope.of(["/pets"]), expiresAt: 1_000 };
const UNAUTHORIZED = expect.objectContaining({ message: "Unauthorized", status: 401 }) as Error;
const NOT_ALLOWED = expect.objectContaining({ message: "Not allowed", status: 403 }) as Error;

test("a token permits its username in its rooms until it expires", () => {
  expect(() => authorize(ANA, "ana", "/pets", 999)).not.toThrow();
});

test("an event at or after the token's expiry is refused with 401, even if the connection is still open", () => {
  expect(() => authorize(ANA, "ana", "/pets", 1_000)).toThrow(UNAUTHORIZED);
  expect(() => authorize(ANA, "ana", "/pets", 2_000)).toThrow(UNAUTHORIZED);
});

test.each(["bo", "Ana", "ana ", ""])("the username %j is refused", (username) => {
  expect(() => authorize(ANA, username, "/pets", 0)).toThrow(NOT_ALLOWED);
});

test("another room is refused, for writing and for reading", () => {
  expect(() => authorize(ANA, "ana", "/cooking", 0)).toThrow(NOT_ALLOWED);
  expect(() => authorizeReading(ANA, "/cooking")).toThrow(NOT_ALLOWED);
  expect(() => authorizeReading(ANA, "/pets")).not.toThrow();
});

test("without authentication every username and every room is permitted", () => {
  expect(() => authorize(undefined, "ana", "/cooking")).not.toThrow();
  expect(roomsOf(undefined)).toBe(RoomScope.ALL);
});
