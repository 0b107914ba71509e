import { TextPacketDecoder } from "../../src/connections/textPacketDecoder";

const PLACEHOLDER = { _placeholder: true, num: 0 };

function decodeAll(...packets: (string | Buffer)[]): unknown[] {
  const decoded: unknown[] = [];
  const decoder = new TextPacketDecoder();
  decoder.on("decoded", (packet) => decoded.push(packet));
  for (const packet of packets) decoder.add(packet);
  return decoded;
}

test("packets of text are decoded as Socket.IO decodes them", () => {
  expect(decodeAll('2["a-b",{}]', '27["x"]', "1", '0{"token":"5-"}')).toEqual([
    { type: 2, nsp: "/", data: ["a-b", {}] },
    { type: 2, nsp: "/", id: 7, data: ["x"] },
    { type: 1, nsp: "/" },
    { type: 0, nsp: "/", data: { token: "5-" } },
  ]);
});

test("an event that announces attachments is decoded at once, with placeholders", () => {
  expect(decodeAll(`52-7["x",${JSON.stringify(PLACEHOLDER)}]`)).toEqual([
    { type: 2, nsp: "/", id: 7, data: ["x", PLACEHOLDER] },
  ]);
});

test("an answer that announces attachments is decoded as an answer", () => {
  expect(decodeAll("61-7[]")).toEqual([{ type: 3, nsp: "/", id: 7, data: [] }]);
});

test("attachments are dropped, announced or not, and the packets after them are decoded", () => {
  const attachments = Array<Buffer>(20).fill(Buffer.alloc(8));
  expect(decodeAll(...attachments, '51-["x"]', ...attachments, '2["y"]')).toEqual([
    { type: 2, nsp: "/", data: ["x"] },
    { type: 2, nsp: "/", data: ["y"] },
  ]);
});

// Number(" 1") is 1: Socket.IO's decoder takes such a count.
test.each(["5 1-", "5+1-", "50x1-", "51e0-", "5-", "599-"])(
  "no count of attachments makes the decoder wait for them: %s",
  (header) => {
    expect(decodeAll(`${header}["x"]`, '2["y"]')).toHaveLength(2);
  },
);

test.each(['5["x"]', "5", "51", '6["x-y"]', "7", "x"])("%j is no packet", (packet) => {
  expect(() => decodeAll(packet)).toThrow();
});

test.each(["0", "0{}", "0/,", "0/,{}"])("of many packets %s the first ten are decoded", (packet) => {
  expect(decodeAll(...Array<string>(1_000).fill(packet), '2["x"]')).toHaveLength(11);
});

test("packets that connect to other namespaces are all decoded", () => {
  expect(decodeAll(...Array<string>(20).fill("0/x,"))).toHaveLength(20);
});
