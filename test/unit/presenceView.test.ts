import { RoomScope } from "../../src/access/roomScope";
import { PresenceView, withId } from "../../src/presence/presenceView";

const json = (username: string) => JSON.stringify({ username, avatar: "" });
const presence = (room: string, username: string, order: number) => ({ room, json: json(username), order });

/** The names in a room, in the order of the snapshot. */
function names(view: PresenceView, room = "/a"): string[] {
  const rooms = JSON.parse(view.toJson()) as Record<string, { username: string }[]>;
  return (rooms[room] ?? []).map(({ username }) => username);
}

function viewOf(...orders: number[]): PresenceView {
  const view = new PresenceView(["/a", "/b"]);
  for (const order of orders) view.put(`id${String(order)}`, presence("/a", `u${String(order)}`, order));
  return view;
}

test("clients stand in order of arrival, also when they become known in another order", () => {
  expect(names(viewOf(3, 1, 2))).toEqual(["u1", "u2", "u3"]);
});

test("clients of the same order stand by their ids, so that all nodes show the same", () => {
  for (const ids of [
    ["x", "y"],
    ["y", "x"],
  ]) {
    const view = new PresenceView(["/a"]);
    for (const id of ids) view.put(id, presence("/a", id, 5));
    expect(names(view)).toEqual(["x", "y"]);
  }
});

test("a client that arrives late in a sorted room is sorted in", () => {
  const view = viewOf(1, 3);
  expect(names(view)).toEqual(["u1", "u3"]);
  view.put("id2", presence("/a", "u2", 2));
  expect(names(view)).toEqual(["u1", "u2", "u3"]);
});

test("within its room a client keeps its order, whatever the new one", () => {
  const view = viewOf(1, 2);
  expect(view.put("id1", presence("/a", "anna", 9))).toEqual([
    { id: "id1", from: "/a", to: "/a", json: json("anna") },
  ]);
  expect(view.get("id1")?.order).toBe(1);
  expect(names(view)).toEqual(["anna", "u2"]);
});

test("the same presence again is no change", () => {
  expect(viewOf(1).put("id1", presence("/a", "u1", 9))).toEqual([]);
});

test("another room is one change, and takes the client out of the first", () => {
  const view = viewOf(1, 2);
  const [change, ...others] = view.put("id1", presence("/b", "u1", 3));
  expect(change).toEqual({ id: "id1", from: "/a", to: "/b", json: json("u1") });
  expect(others).toEqual([]);
  expect([names(view), names(view, "/b")]).toEqual([["u2"], ["u1"]]);
});

test("an unknown room throws and changes nothing", () => {
  const view = viewOf(1);
  expect(view.hasRoom("/nowhere")).toBe(false);
  expect(() => view.put("id1", presence("/nowhere", "u1", 2))).toThrow("does not exist");
  expect(names(view)).toEqual(["u1"]);
});

test("removing reports the last state once", () => {
  const view = viewOf(1);
  expect(view.remove("id1")).toEqual([{ id: "id1", from: "/a", to: undefined, json: json("u1") }]);
  expect(view.remove("id1")).toEqual([]);
  expect(view.get("id1")).toBeUndefined();
});

test("each kind of change renews a snapshot that was made before", () => {
  const view = viewOf(1);
  const snapshots = () => [view.toJson(), view.toJson({ withIds: true })];
  let before = snapshots();
  for (const change of [
    () => view.put("id1", presence("/a", "anna", 1)),
    () => view.put("id2", presence("/a", "u2", 2)),
    () => view.put("id2", presence("/b", "u2", 3)),
    () => view.remove("id1"),
  ]) {
    change();
    const after = snapshots();
    for (const [index, text] of after.entries()) expect(text).not.toBe(before[index]);
    before = after;
  }
  expect(JSON.parse(view.toJson({ withIds: true }))).toEqual({
    "/a": [],
    "/b": [{ id: "id2", username: "u2", avatar: "" }],
  });
});

test("rooms outside the scope are empty, and do not spoil later snapshots", () => {
  const view = viewOf(1);
  expect(JSON.parse(view.toJson({ rooms: RoomScope.of(["/b"]) }))).toEqual({ "/a": [], "/b": [] });
  expect(names(view)).toEqual(["u1"]);
});

test("an id is put in front of a user", () => {
  expect(withId('"1"', json("ana"))).toBe('{"id":"\\"1\\"","username":"ana","avatar":""}');
});
