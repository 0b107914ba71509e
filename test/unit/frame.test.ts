import type { Writable } from "node:stream";
import * as ws from "ws";
import { encodeFrames } from "../../src/delivery/batch";

const { Receiver } = ws as unknown as { Receiver: new () => Writable }; // missing in the types of ws

/** Parses the bytes as a websocket client does; returns the text of each message. */
function parsed(bytes: Buffer): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver();
    const messages: string[] = [];
    receiver.on("message", (data: Buffer, isBinary: boolean) => messages.push(`${isBinary ? "binary " : ""}${data.toString()}`)); // prettier-ignore
    receiver.on("error", reject);
    receiver.end(bytes, () => resolve(messages));
  });
}

// The payload is the packet and the "4" of Engine.IO before it.
test.each([0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 200_000])(
  "a packet of %i bytes becomes one text frame",
  async (length) => {
    const packet = "x".repeat(length);
    expect(await parsed(encodeFrames([packet]))).toEqual([`4${packet}`]);
  },
);

test.each([
  [125, "817d"],
  [126, "817e007e"],
  [65_535, "817effff"],
  [65_536, "817f0000000000010000"],
])("a payload of %i bytes has the header of RFC 6455, section 5.2: %s", (payloadLength, header) => {
  const bytes = encodeFrames(["x".repeat(payloadLength - 1)]);
  expect(bytes.subarray(0, header.length / 2).toString("hex")).toBe(header);
  expect(bytes).toHaveLength(header.length / 2 + payloadLength);
});

test.each(["é", "\u{1F600}", "é".repeat(62), "é".repeat(63), "\u{1F600}".repeat(16_384), "\u0000"])(
  "the length of a frame counts bytes, not characters (case %#)",
  async (packet) => {
    expect(await parsed(encodeFrames([packet, "next"]))).toEqual([`4${packet}`, "4next"]);
  },
);

test("many packets become as many frames, in order, in one buffer", async () => {
  const packets = ["", "a", "b".repeat(126), "é".repeat(40_000), "c"];
  expect(await parsed(encodeFrames(packets))).toEqual(packets.map((packet) => `4${packet}`));
});

test("no packets become no bytes", () => {
  expect(encodeFrames([])).toHaveLength(0);
});
