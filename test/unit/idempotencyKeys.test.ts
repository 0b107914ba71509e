import { hashText, IdempotencyKeys, keyOf } from "../../src/messageLog/idempotencyKeys";

const MESSAGE = {
  message: "hello",
  username: "ana",
  chatRoom: { label: "Cooking", name: "/cooking" },
  uuid: "1",
  serverTimestamp: "2024-01-01T00:00:00.000Z",
};

test("the key of a message is its room, sender and uuid, and nothing else", () => {
  const same = { ...MESSAGE, message: "bye", serverTimestamp: "2025-01-01T00:00:00.000Z" };
  expect(keyOf(same)).toBe(keyOf(MESSAGE));
  const others = [
    { ...MESSAGE, username: "bo" },
    { ...MESSAGE, uuid: "2" },
    { ...MESSAGE, chatRoom: { label: "Cooking", name: "/pets" } },
  ];
  for (const other of others) expect(keyOf(other)).not.toBe(keyOf(MESSAGE));
});

test("quotes and commas in one part of a key are not taken for the border to the next part", () => {
  const one = { ...MESSAGE, username: 'a","b', uuid: "c" };
  const other = { ...MESSAGE, username: "a", uuid: 'b","c' };
  expect(keyOf(one)).not.toBe(keyOf(other));
});

// Nodes of version 1.0.0 store and compare these values during a rolling upgrade.
test.each([
  ["", 3_338_908_027_751_811],
  ["hello", 4_625_896_200_565_286],
  ["héllo 👋", 2_299_601_426_456_200],
  ["a".repeat(4_000), 4_563_157_329_628_369],
])("the hash of a text is the value of version 1.0.0", (text, hash) => {
  expect(hashText(text)).toBe(hash);
});

test("a key is found until it is older than the maximum age", () => {
  const keys = new IdempotencyKeys(1_000, 10);
  keys.add(["old", 1, 5_000, 0]);
  keys.add(["new", 2, 5_001, 0]);
  expect(keys.removeExpired(6_000)).toBeUndefined();
  expect(keys.get("old")).toEqual(["old", 1, 5_000, 0]);
  expect(keys.removeExpired(6_001)).toBe(5_000);
  expect(keys.get("old")).toBeUndefined();
  expect(keys.get("new")).toEqual(["new", 2, 5_001, 0]);
});

test("the oldest keys above the maximum count are removed, and the time of the newest of them is returned", () => {
  const keys = new IdempotencyKeys(1_000, 2);
  for (const timeMs of [1, 2, 3, 4]) keys.add([String(timeMs), timeMs, timeMs, 0]);
  expect(keys.removeExpired(4)).toBe(2);
  expect(["1", "2", "3", "4"].filter((key) => keys.get(key) !== undefined)).toEqual(["3", "4"]);
});
