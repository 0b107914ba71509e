import { RecentMessages } from "../../src/delivery/recentMessages";
import type { StoredMessage } from "../../src/messageLog/messageLog";

const CAPACITY = 1_000;

function message(room: string, offset: number): StoredMessage {
  return { room, offset: String(offset), json: "{}" };
}

function fill(recent: RecentMessages, room: string, count: number, from = 0): void {
  for (let offset = from; offset < from + count; offset += 1) recent.add(message(room, offset));
}

function offsetsAfter(recent: RecentMessages, room: string, offset: number): number[] {
  return recent.after(room, String(offset)).map((found) => Number(found.offset));
}

test("returns what was delivered in the room after an offset, oldest first", () => {
  const recent = new RecentMessages();
  fill(recent, "/a", 5);
  fill(recent, "/b", 3);
  expect(offsetsAfter(recent, "/a", 1)).toEqual([2, 3, 4]);
  expect(offsetsAfter(recent, "/b", 1)).toEqual([2]);
});

test("returns nothing after the newest message", () => {
  const recent = new RecentMessages();
  fill(recent, "/a", 5);
  expect(recent.after("/a", "4")).toEqual([]);
});

test("returns nothing for an offset or a room that it does not have", () => {
  const recent = new RecentMessages();
  fill(recent, "/a", 5);
  for (const offset of ["5", "-1", "", "__proto__"]) expect(recent.after("/a", offset)).toEqual([]);
  for (const room of ["/b", "__proto__"]) expect(recent.after(room, "1")).toEqual([]);
});

test("returns an array that the caller may change", () => {
  const recent = new RecentMessages();
  fill(recent, "/a", 5);
  recent.after("/a", "0").length = 0;
  expect(offsetsAfter(recent, "/a", 0)).toEqual([1, 2, 3, 4]);
});

test("keeps the newest 1,000 messages of one room", () => {
  const recent = new RecentMessages();
  fill(recent, "/a", CAPACITY + 5);
  expect(recent.after("/a", "4")).toEqual([]);
  expect(offsetsAfter(recent, "/a", 5)).toHaveLength(CAPACITY - 1);
  expect(offsetsAfter(recent, "/a", 5).at(-1)).toBe(CAPACITY + 4);
});

test("keeps the newest 1,000 messages over all rooms, whichever room they belong to", () => {
  const recent = new RecentMessages();
  fill(recent, "/quiet", 2);
  fill(recent, "/busy", CAPACITY - 1);
  recent.add(message("/quiet", 2)); // replaces 1; 0 is gone since the last message of the busy room
  expect(offsetsAfter(recent, "/quiet", 0)).toEqual([]);
  expect(offsetsAfter(recent, "/quiet", 1)).toEqual([]);
  recent.add(message("/quiet", 3)); // replaces the first message of the busy room
  expect(offsetsAfter(recent, "/quiet", 2)).toEqual([3]);
  expect(offsetsAfter(recent, "/busy", 0)).toEqual([]);
  expect(offsetsAfter(recent, "/busy", 1)).toHaveLength(CAPACITY - 3);
});

test("keeps 4 MB of the newest messages", () => {
  const recent = new RecentMessages();
  for (let offset = 0; offset < 9; offset += 1)
    recent.add({ room: "/a", offset: String(offset), json: "x".repeat(1024 * 1024) });
  expect(offsetsAfter(recent, "/a", 4)).toEqual([]);
  expect(offsetsAfter(recent, "/a", 5)).toEqual([6, 7, 8]);
});

test("is empty after clear, and fills again", () => {
  const recent = new RecentMessages();
  fill(recent, "/a", CAPACITY + 5);
  recent.clear();
  expect(recent.after("/a", "500")).toEqual([]);
  fill(recent, "/a", CAPACITY, 2_000);
  expect(offsetsAfter(recent, "/a", 2_000)).toHaveLength(CAPACITY - 1);
});
