import {
  formatPresence,
  formatUpdate,
  parseChange,
  parsePresence,
  parseUpdate,
} from "../../src/presence/redis/presenceWire";

const ANA = { room: "/pets", order: 7, json: '{"username":"ana","avatar":"a"}' };
const ANA_TEXT = '{"room":"/pets","order":7,"user":{"username":"ana","avatar":"a"}}';

test("a presence has the text that nodes of earlier versions read", () => {
  expect(formatPresence(ANA)).toBe(ANA_TEXT);
});

test.each(["ana", 'é "👋" \u2028 \ud800', "x".repeat(64), "👋".repeat(64)])(
  "a presence survives as text: %#",
  (name) => {
    const presence = { room: '/"', order: 1, json: JSON.stringify({ username: name, avatar: "" }) };
    expect(parsePresence(formatPresence(presence))).toEqual(presence);
  },
);

test("a field that is too much is left out", () => {
  const text =
    '{"room":"/pets","order":7,"x":1,"user":{"username":"ana","avatar":"a","admin":true,"__proto__":{}}}';
  expect(parsePresence(text)).toEqual(ANA);
});

test.each([
  undefined,
  null,
  7,
  {},
  "",
  "{",
  "null",
  "7",
  '"text"',
  "[]",
  "{}",
  '{"room":"/pets","order":7}',
  '{"room":"/pets","order":7,"user":null}',
  '{"room":"/pets","order":"7","user":{"username":"ana","avatar":""}}',
  '{"room":7,"order":7,"user":{"username":"ana","avatar":""}}',
  '{"room":"/pets","order":7,"user":{"username":["ana"],"avatar":""}}',
  '{"room":"/pets","order":7,"user":{"username":"ana"}}',
  '{"__proto__":{"room":"/pets","order":7,"user":{"username":"ana","avatar":""}}}',
  '{"room":"/pets","order":1e999,"user":{"username":"ana","avatar":""}}',
  '{"room":"/pets","order":0.5,"user":{"username":"ana","avatar":""}}',
  `{"room":"/pets","order":7,"user":{"username":"${"x".repeat(65)}","avatar":""}}`,
  `{"room":"/pets","order":7,"user":{"username":"ana","avatar":"${"👋".repeat(2_049)}"}}`,
  "[".repeat(100_000),
])("hostile text is no presence: %#", (text) => {
  expect(parsePresence(text)).toBeUndefined();
});

test("an update has the payload that nodes of earlier versions read", () => {
  const changes: [string, string | null][] = [["1", null]];
  expect(JSON.stringify(formatUpdate(3, changes))).toBe('{"number":3,"changes":[["1",null]]}');
  expect(JSON.stringify(formatUpdate(3))).toBe('{"number":3}');
});

test("the payload of an update is parsed", () => {
  expect(parseUpdate({ number: 3, changes: [["1", null]] })).toEqual({ version: 3, changes: [["1", null]] });
  expect(parseUpdate({ number: 3 })).toEqual({ version: 3 });
  expect(parseUpdate({ number: 3, changes: { length: 1 } })).toEqual({ version: 3 });
});

test.each([undefined, null, 7, "text", [], {}, { number: "3" }, { number: Infinity }, { changes: [] }])(
  "a hostile payload is no update: %j",
  (payload) => {
    expect(parseUpdate(payload)).toBeUndefined();
  },
);

test("a change is an id with a presence, or without one", () => {
  expect(parseChange(["1", ANA_TEXT])).toEqual({ id: "1", presence: ANA });
  expect(parseChange(["1", null])).toEqual({ id: "1", presence: undefined });
  expect(parseChange(["1", "garbage"])).toEqual({ id: "1", presence: undefined });
});

test.each([undefined, null, 7, "1", {}, [], [1, ANA_TEXT], [null], ["x".repeat(65), ANA_TEXT]])(
  "a hostile change is none: %j",
  (change) => {
    expect(parseChange(change)).toBeUndefined();
  },
);
