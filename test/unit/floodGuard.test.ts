import { EventEmitter } from "node:events";
import type { Connection } from "../../src/connections/engine";
import { FloodGuard, MAX_STRIKES } from "../../src/connections/floodGuard";
import { manyKeys, nestedJson } from "../support/hostileValues";

/** A connection on long polling. */
class FakeConnection extends EventEmitter {
  readyState = "open";
  readonly transport = {};

  close(): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.emit("close");
  }
}

function setUp(): { guard: FloodGuard; conn: FakeConnection & Connection; onFlood: jest.Mock } {
  const onFlood = jest.fn();
  const guard = new FloodGuard(onFlood);
  const conn = new FakeConnection() as FakeConnection & Connection;
  guard.watch(conn);
  return { guard, conn, onFlood };
}

/** Returns how many of these packets close a connection; 5,000 do not close it. */
function packetsUntilClosed(data: string | Buffer, type = "message"): number {
  const { conn, onFlood } = setUp();
  let sent = 0;
  for (; conn.readyState === "open" && sent < 5_000; sent += 1) conn.emit("packet", { type, data });
  expect(onFlood).toHaveBeenCalledTimes(sent < 5_000 ? 1 : 0);
  return sent;
}

const ROOM = { label: "x", name: "x" };
const LONGEST = { username: "x".repeat(64), message: ',[{"\\'.repeat(800), uuid: "x".repeat(64) };
const VALID = JSON.stringify(["new_message", { ...LONGEST, chatRoom: ROOM }]);
const SHORTEST = `2${JSON.stringify(["x", { username: "x", chatRoom: ROOM, isTyping: true }])}`;
const KEYS = JSON.stringify(["new_message", manyKeys(5_000)]);

test.each([
  ["pongs", "", "pong"],
  ["answers", "3[]", "message"],
  ["events too short to be valid", '2["new_message",{}]', "message"],
  ["attachments", Buffer.from("x"), "message"],
  ["CONNECT packets", "0", "message"],
  ["CONNECT packets that name the namespace", "0/,", "message"],
])("%s are one strike each", (_name, data, type) => {
  expect(packetsUntilClosed(data, type)).toBe(MAX_STRIKES);
});

test("CONNECT packets to another namespace are three strikes each", () => {
  expect(packetsUntilClosed("0/x,")).toBe(MAX_STRIKES / 3);
});

test("the shortest valid event and the longest texts are no strikes", () => {
  expect(packetsUntilClosed(SHORTEST)).toBe(5_000);
  expect(packetsUntilClosed(`2${VALID}`)).toBe(5_000);
  expect(packetsUntilClosed(`2/,7${VALID}`)).toBe(5_000);
});

test("refused events are three strikes each", () => {
  const { guard, conn, onFlood } = setUp();
  for (let i = 1; i < MAX_STRIKES / 3; i += 1) guard.onEventRefused(conn);
  expect([conn.readyState, onFlood.mock.calls.length]).toEqual(["open", 0]);
  guard.onEventRefused(conn);
  expect([conn.readyState, onFlood.mock.calls.length]).toEqual(["closed", 1]);
});

test.each([
  ["an event", `2${KEYS}`],
  ["an event with attachments", `51-${KEYS}`],
  ["an answer", `3${KEYS}`],
  ["a CONNECT packet", `0${JSON.stringify(manyKeys(5_000))}`],
  ["an event in a namespace whose name holds a quote", `2/",${KEYS}`],
  ["an event with attachments in such a namespace", `51-/",${KEYS}`],
])("5,000 keys in %s are 500 strikes", (_name, packet) => {
  expect(packetsUntilClosed(packet)).toBe(Math.ceil(MAX_STRIKES / 500));
});

test.each([
  ["objects", 10_000],
  ["lists", 30_000],
] as const)("of packets that are %s %d deep one is decoded, and the second closes", (kind, depth) => {
  expect(packetsUntilClosed(`2["x",${nestedJson(depth, kind)}]`)).toBe(2);
});

test("a connection that is closed has no more strikes", () => {
  const { guard, conn, onFlood } = setUp();
  for (let i = 0; i < 2 * MAX_STRIKES; i += 1) guard.onEventRefused(conn);
  expect(onFlood).toHaveBeenCalledTimes(1);
});
