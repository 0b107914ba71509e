import { formatNodeMessage, parseNodeMessage } from "../../src/nodes/nodeMessage";

const MIB = 1024 * 1024;

function parse(text: string) {
  return parseNodeMessage(Buffer.from(text));
}

test("a message has the form that nodes of version 1.0.0 read", () => {
  const text = formatNodeMessage({ kind: "typing", nodeId: "n1", payload: { a: [1, null], b: undefined } });
  expect(text).toBe('{"uid":"n1","type":6,"data":["typing","n1",{"a":[1,null]}]}');
});

test("a message of version 1.0.0, whose uid is not the node's id, is parsed", () => {
  const text = '{"uid":"aB3xYz","type":6,"data":["presence","n2",{"number":3}]}';
  expect(parse(text)).toEqual({ kind: "presence", nodeId: "n2", payload: { number: 3 } });
});

test.each([
  "",
  "garbage",
  "null",
  "6",
  "[]",
  "{}",
  '{"type":6}',
  '{"type":"6","data":["a","b",1]}',
  '{"type":5,"data":["a","b",1]}',
  '{"type":6,"data":"abc"}',
  '{"type":6,"data":{"0":"a","1":"b","2":1,"length":3}}',
  '{"type":6,"data":["a","b"]}',
  '{"type":6,"data":["a","b",1,2]}',
  '{"type":6,"data":["a",null,1]}',
  '{"type":6,"data":[["a"],"b",1]}',
  `{"type":6,"data":["a","${"b".repeat(65)}",1]}`,
  '{"__proto__":{"type":6,"data":["a","b",1]}}',
  "[".repeat(100_000),
])("other text is no message: %#", (text) => {
  expect(parse(text)).toBeUndefined();
});

test("a message of more than 1 MiB is not parsed", () => {
  const messageOf = (bytes: number) => {
    const empty = formatNodeMessage({ kind: "a", nodeId: "b", payload: "" });
    return formatNodeMessage({ kind: "a", nodeId: "b", payload: "x".repeat(bytes - empty.length) });
  };
  expect(parse(messageOf(MIB))).toMatchObject({ kind: "a" });
  expect(parse(messageOf(MIB + 1))).toBeUndefined();
});
