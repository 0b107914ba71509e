import { MAX_STRIKES } from "../../src/connections/floodGuard";
import { MAX_FRAME_BYTES } from "../../src/connections/socketServer";
import { EVENTS } from "../../src/protocol/events";
import { MESSAGE, REFUSED, SAY, startWithCanaries, times } from "../support/abuse";
import { nestedJson, HOSTILE_NAMES } from "../support/hostileValues";
import { range } from "../support/numbers";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";

const PACKETS = [
  ..."0123456789bx ".split(""),
  "",
  "2probe",
  "5",
  "4",
  "40",
  "40{}",
  '40{"token":"x"}',
  "40[]",
  '40"x"',
  "40/,",
  "40/?a=b,",
  "41/admin,",
  "42",
  "42[]",
  "42[null]",
  "42[{}]",
  "42{}",
  '42"new_message"',
  '42["new_message"',
  "42[5,{}]",
  "4212[1.5,{}]",
  '421 2["new_message",{}]',
  `42${"9".repeat(400)}["new_message",{}]`,
  `42-1["new_message",{}]`,
  '42/admin,["new_message",{}]',
  "43",
  "43[]",
  "431[]",
  `43${"9".repeat(60_000)}[]`,
  "44",
  '44{"message":"x"}',
  "45",
  '450-["x"]',
  '45-["x"]',
  '45-1-["x"]',
  '451e1-["x"]',
  '4511-["x"]',
  '4599999999999-["x"]',
  '451-["new_message",{"_placeholder":true,"num":-1}]',
  '451-["new_message",{"_placeholder":true,"num":"0"}]',
  '451-["new_message",{"_placeholder":true,"num":0}]',
  "461-[]",
  "46",
  "47",
  "4\u0000",
  "42[\u0000]",
  `42${nestedJson(30_000, "lists")}`,
  `40${nestedJson(9_000, "objects")}`,
  "bAAAA",
  "b!",
];

test.each(["EIO=4", "EIO=3"])("odd packets harm at most their own connection (%s)", async (query) => {
  const { url, canaries } = await startWithCanaries({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
  for (const packet of PACKETS) {
    const socket = await RawWebSocket.connect(url, { query });
    socket.send(packet, Buffer.from([1, 2, 3]), packet, `429["${EVENTS.newMessage}",null]`);
    await socket.frameOrClosed("439[");
    await canaries.check(packet.slice(0, 80));
    socket.webSocket.terminate();
  }
});

test("odd packets over polling harm at most their own session", async () => {
  const { url, canaries } = await startWithCanaries({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
  for (const packet of PACKETS) {
    const session = await RawPolling.connect(url);
    const isTooLong = 2 * packet.length + 1 > MAX_FRAME_BYTES; // two packets and their separator
    const status = await session.post(packet, packet);
    expect({ packet: packet.slice(0, 80), status }).toEqual({
      packet: packet.slice(0, 80),
      status: isTooLong ? 413 : 200,
    });
    await canaries.check(packet.slice(0, 80));
  }
});

test("an unknown event is answered only if it has an ack, and reaches no client", async () => {
  const { url, canaries } = await startWithCanaries({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
  for (const name of [...HOSTILE_NAMES, "/cooking", ""]) {
    const socket = await RawWebSocket.connect(url);
    socket.send(`42${JSON.stringify([name, JSON.parse(MESSAGE)])}`, `421${JSON.stringify([name])}`);
    const answer = await socket.frameOrClosed("431[");
    const isOurs = name === EVENTS.newMessage;
    if (answer !== undefined && !isOurs) {
      const error = { message: "Event is not known", status: 404, errors: [] };
      expect(JSON.parse(answer.slice(3))).toEqual([{ data: null, error }]);
      expect(socket.count(REFUSED)).toBe(0);
    }
    if (isOurs) for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking");
    await canaries.check(name);
    socket.webSocket.terminate();
  }
});

test.each(["EIO=4", "EIO=3"])(
  "an event with attachments is refused before they arrive, and they are dropped (%s)",
  async (query) => {
    const { url, canaries } = await startWithCanaries();
    const event = (id: number) => `4510-${String(id)}["${EVENTS.newMessage}",{"_placeholder":true,"num":0}]`;
    const waiting = await RawWebSocket.connect(url, { query });
    waiting.send(event(1));
    expect(await waiting.waitFor("431[")).toContain("Incoming message is not valid");
    const attachment = Buffer.alloc(MAX_FRAME_BYTES - 1, 4);
    waiting.send(event(2), ...range(10).map(() => attachment), event(3), attachment, SAY);
    expect(await waiting.waitFor("433[")).toContain("Incoming message is not valid");
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking"); // SAY's
    await canaries.check("attachments");
  },
);

test.each([
  [4, "b"],
  [3, "b4"],
] as const)("attachments over polling are dropped (EIO=%d)", async (eio, base64) => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url, { eio });
  await session.post(`451-["${EVENTS.newMessage}",{"_placeholder":true,"num":0}]`, `${base64}AAAA`, SAY);
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking");
  await canaries.check("attachments");
});

test("a flood of attachments is closed", async () => {
  const { url, canaries } = await startWithCanaries();
  const socket = await RawWebSocket.connect(url);
  socket.send(...range(MAX_STRIKES).map(() => Buffer.from("x")));
  await socket.closed;
  await canaries.check("attachments");
});

test("a frame over the limit is closed with 1009; one at the limit is not", async () => {
  const { url, canaries } = await startWithCanaries();
  const limit = MAX_FRAME_BYTES;
  const packet = (text: string) => `421["${EVENTS.newMessage}","${text}"]`;
  const padded = (bytes: number) => packet("x".repeat(bytes - packet("").length));
  const atLimit = await RawWebSocket.connect(url);
  atLimit.send(padded(limit));
  expect(await atLimit.waitFor("431[")).toContain("should be object");
  for (const frame of [padded(limit + 1), Buffer.alloc(limit + 1)]) {
    const over = await RawWebSocket.connect(url);
    over.send(frame);
    expect(await over.closed).toEqual({ code: 1009 });
  }
  await canaries.check("frames over the limit");
});

test("fragments over the limit, and fragments without end, are closed", async () => {
  const { url, canaries } = await startWithCanaries();
  const large = await RawWebSocket.connect(url);
  times(5, () => large.webSocket.send("x".repeat(16_000), { fin: false }));
  expect(await large.closed).toEqual({ code: 1009 });
  const endless = await RawWebSocket.connect(url);
  endless.inOneWrite(() => times(40_000, () => endless.webSocket.send("", { fin: false })));
  await endless.closed;
  await canaries.check("fragments");
});

test("a polling request over the limit is refused with 413", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url);
  expect(await session.post("4".repeat(MAX_FRAME_BYTES + 1))).toBe(413);
  await canaries.check("after the request");
});

test("invalid UTF-8 and reserved opcodes are closed by the websocket's own rules", async () => {
  const { url, canaries } = await startWithCanaries();
  const frames: [code: number, bytes: number[]][] = [
    [1007, [0x81, 0x82, 0, 0, 0, 0, 0x34, 0xff]], // text that is no UTF-8
    [1002, [0x83, 0x80, 0, 0, 0, 0]], // reserved opcode
    [1002, [0xc1, 0x81, 0, 0, 0, 0, 0x34]], // compressed, although no compression was agreed
    [1002, [0x81, 0x01, 0x34]], // not masked
    [1002, [0x89, 0xfe, 0, 126, 0, 0, 0, 0]], // a ping longer than a control frame may be
    [1002, [0x80, 0x80, 0, 0, 0, 0]], // a continuation of nothing
    [1009, [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]], // 2^63 bytes announced
  ];
  for (const [code, bytes] of frames) {
    const socket = await RawWebSocket.connect(url);
    socket.tcp.write(Buffer.from(bytes));
    expect({ bytes, closed: await socket.closed }).toEqual({ bytes, closed: { code } });
    await canaries.check(bytes.join());
  }
});
