import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { hashText, keyOf, removeExpired, type KeyRecords } from "../../src/messageLog/idempotencyKeys";

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

test("a key takes less than 260 bytes of heap, however long the names are", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const long = "\u{1f600}".repeat(64);
  const count = 20_000;
  const records: KeyRecords = new Map();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < count; i += 1) {
    const key = keyOf({ ...MESSAGE, username: long, uuid: `${long}${String(i)}` });
    records.set(key, [key, i, Date.now(), hashText(key)]);
  }
  collectGarbage();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  expect(records.size).toBe(count);
  expect(bytes).toBeLessThan(260);
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

function recordsAt(...timesMs: number[]): KeyRecords {
  return new Map(timesMs.map((timeMs) => [String(timeMs), [String(timeMs), 1, timeMs, 0]]));
}

test("records are removed once they are older than the given time", () => {
  const records = recordsAt(5_000, 5_001);
  expect(removeExpired(records, 5_000, 10)).toBeUndefined();
  expect([...records.keys()]).toEqual(["5000", "5001"]);
  expect(removeExpired(records, 5_001, 10)).toBe(5_000);
  expect([...records.keys()]).toEqual(["5001"]);
});

test("the oldest records above the count are removed, and the time of the last of them is returned", () => {
  const records = recordsAt(1, 2, 3, 4);
  expect(removeExpired(records, 0, 2)).toBe(2);
  expect([...records.keys()]).toEqual(["3", "4"]);
});
