import { messagePacket, messagePacketWithOffset, packetOf } from "../../src/delivery/packet";

const message = { room: "/cooking", offset: 'a-"1', json: '{"message":"hello"}' };

test("an event without arguments is a list of its name", () => {
  expect(packetOf("resumed")).toBe('2["resumed"]');
});

test("arguments follow as the JSON that they are", () => {
  expect(packetOf("/cooking", "{}", "null", '"x"')).toBe('2["/cooking",{},null,"x"]');
});

test("a name is escaped", () => {
  expect(JSON.parse(packetOf('/"\\\u0000', "1").slice(1))).toEqual(['/"\\\u0000', 1]);
});

test("a base client receives a message as one argument", () => {
  expect(messagePacket(message)).toBe('2["/cooking",{"data":{"message":"hello"},"error":null}]');
});

test("a client that resumes receives the offset as the second argument", () => {
  expect(JSON.parse(messagePacketWithOffset(message).slice(1))).toEqual([
    "/cooking",
    { data: { message: "hello" }, error: null },
    message.offset,
  ]);
});
