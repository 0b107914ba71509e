import { RoomScope } from "../../src/access/roomScope";
import { PendingChanges } from "../../src/delivery/presence/pendingChanges";

const json = (username: string) => JSON.stringify({ username, avatar: "" });

/** Adds changes `[id, from, to, username?]`. */
function pendingAfter(...changes: [string, string | undefined, string | undefined, string?][]) {
  const pending = new PendingChanges();
  for (const [id, from, to, username = "ana"] of changes) pending.add({ id, from, to, json: json(username) });
  return pending;
}

function diffOf(pending: PendingChanges, rooms?: RoomScope): unknown {
  const text = pending.toJson(rooms);
  return text === undefined ? undefined : JSON.parse(text);
}

const client = (id: string, username = "ana") => ({ id, username, avatar: "" });

test("without changes there is no diff", () => {
  const pending = new PendingChanges();
  expect(pending.hasMoves).toBe(false);
  expect(pending.toJson()).toBeUndefined();
});

test("a join, a move and a leave of three clients", () => {
  const pending = pendingAfter(["1", undefined, "/a"], ["2", "/a", "/b"], ["3", "/b", undefined]);
  expect(pending.hasMoves).toBe(true);
  expect(diffOf(pending)).toEqual({
    joined: { "/a": [client("1")], "/b": [client("2")] },
    left: { "/a": ["2"], "/b": ["3"] },
  });
});

test("the moves of one client become one move from the first room to the last", () => {
  const pending = pendingAfter(["1", "/a", "/b"], ["1", "/b", "/c"], ["1", "/c", "/d"]);
  expect(diffOf(pending)).toEqual({ joined: { "/d": [client("1")] }, left: { "/a": ["1"] } });
});

test("a client that leaves and comes back leaves and joins, because its place in the order changed", () => {
  const pending = pendingAfter(["1", "/a", "/b"], ["1", "/b", "/a"]);
  expect(diffOf(pending)).toEqual({ joined: { "/a": [client("1")] }, left: { "/a": ["1"] } });
});

test("a client that joins and leaves again causes no diff", () => {
  const pending = pendingAfter(["1", undefined, "/a"], ["1", "/a", undefined]);
  expect(diffOf(pending)).toBeUndefined();
});

test("a new name alone is no move, and is a join without a leave in the next diff", () => {
  const pending = pendingAfter(["1", "/a", "/a", "anna"]);
  expect(pending.hasMoves).toBe(false);
  pending.add({ id: "2", from: undefined, to: "/b", json: json("bo") });
  expect(pending.hasMoves).toBe(true);
  expect(diffOf(pending)).toEqual({
    joined: { "/a": [client("1", "anna")], "/b": [client("2", "bo")] },
    left: {},
  });
});

test("a new name after a move is part of the move", () => {
  const pending = pendingAfter(["1", "/a", "/b"], ["1", "/b", "/b", "anna"]);
  expect(diffOf(pending)).toEqual({ joined: { "/b": [client("1", "anna")] }, left: { "/a": ["1"] } });
});

test("clients are listed in order of their latest move, and a new name changes no order", () => {
  const pending = pendingAfter(
    ["1", undefined, "/a"],
    ["2", undefined, "/a"],
    ["3", undefined, "/a"],
    ["1", "/a", "/b"],
    ["1", "/b", "/a"],
    ["2", "/a", "/a", "bea"],
  );
  expect(diffOf(pending)).toEqual({
    joined: { "/a": [client("2", "bea"), client("3"), client("1")] },
    left: {},
  });
});

test("a scope hides other rooms, and a move across its border is a join or a leave", () => {
  const pending = pendingAfter(["1", "/a", "/b"], ["2", "/b", "/a"], ["3", "/b", "/c"]);
  const left = { "/a": ["1"] };
  expect(diffOf(pending, RoomScope.of(["/a"]))).toEqual({ joined: { "/a": [client("2")] }, left });
  expect(diffOf(pending, RoomScope.of(["/z"]))).toBeUndefined();
});

test("clear forgets everything", () => {
  const pending = pendingAfter(["1", undefined, "/a"]);
  pending.clear();
  expect(pending.hasMoves).toBe(false);
  expect(pending.toJson()).toBeUndefined();
});

test("ids and rooms with special characters stay intact", () => {
  const pending = pendingAfter(['"', undefined, "__proto__"], ["constructor", '/"', undefined]);
  const { joined, left } = JSON.parse(pending.toJson() ?? "") as Record<string, object>;
  expect(Object.entries(joined ?? {})).toEqual([["__proto__", [client('"')]]]);
  expect(Object.entries(left ?? {})).toEqual([['/"', ["constructor"]]]);
});
