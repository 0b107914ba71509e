import { parseEntry, type RawEntry } from "../../src/messageLog/redis/redisRoom";

const EPOCH = "0123456789ab";
const MESSAGE = {
  message: "hello",
  username: "ana",
  chatRoom: { label: "Cooking", name: "/cooking" },
  uuid: "1",
  serverTimestamp: "2024-01-01T00:00:00.000Z",
};
const JSON_TEXT = JSON.stringify(MESSAGE);

function entry(json = JSON_TEXT, { id = "7-0", epoch = EPOCH, previous = "6" } = {}): RawEntry {
  return [id, ["e", epoch, "p", previous, "m", json]];
}

function withMessage(change: object): RawEntry {
  return entry(JSON.stringify({ ...MESSAGE, ...change }));
}

test("an entry of the service is parsed, its JSON unchanged", () => {
  expect(parseEntry("/cooking", entry())).toEqual({
    sequence: 7,
    epoch: EPOCH,
    previous: 6,
    json: JSON_TEXT,
  });
});

test.each<[string, RawEntry]>([
  ["an id with a second part", entry(JSON_TEXT, { id: "7-1" })],
  ["an id beyond the safe integers", entry(JSON_TEXT, { id: "1234567890123456-0" })],
  ["no fields", ["7-0", []]],
  ["another field", ["7-0", ["temperature", "19.8"]]],
  ["a field too many", ["7-0", [...entry()[1], "x", "y"]]],
  ["fields in another order", ["7-0", ["p", "6", "e", EPOCH, "m", JSON_TEXT]]],
  ["an epoch of another form", entry(JSON_TEXT, { epoch: "x" })],
  ["a predecessor that is no number", entry(JSON_TEXT, { previous: "-1" })],
  ["broken JSON", entry("{")],
  ["JSON that is no object", entry("null")],
  ["a message with a key missing", withMessage({ uuid: undefined })],
  ["a message with a key too many", withMessage({ admin: true })],
  ["a message with a number for a string", withMessage({ username: 1 })],
  ["a message without a room", withMessage({ chatRoom: null })],
  ["a message of another room", withMessage({ chatRoom: { label: "Pets", name: "/pets" } })],
  ["a message that is far too long", entry(JSON_TEXT + " ".repeat(64 * 1_024))],
])("an entry with %s is foreign", (_name, raw) => {
  expect(parseEntry("/cooking", raw)).toBeUndefined();
});
