import { NumberedFrame, textFrame } from "../../bench/client/clientFrames";
import { FrameWalker } from "../../bench/client/frameWalker";
import { quantile } from "../../bench/measure/statistics";

const TEXT_FIRST_BYTE = 0x81;
const PING_FIRST_BYTE = 0x89;

/** An unmasked frame, as a server sends it (RFC 6455, section 5.2). */
function serverFrame(text: string, firstByte = TEXT_FIRST_BYTE): Buffer {
  const payload = Buffer.from(text);
  if (payload.length < 126) return Buffer.concat([Buffer.from([firstByte, payload.length]), payload]);
  if (payload.length <= 0xffff) {
    const header = Buffer.from([firstByte, 126, 0, 0]);
    header.writeUInt16BE(payload.length, 2);
    return Buffer.concat([header, payload]);
  }
  const header = Buffer.concat([Buffer.from([firstByte, 127]), Buffer.alloc(8)]);
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([header, payload]);
}

/** The text frames and the first bytes of the other frames, in order, when `bytes` arrive in reads of this size. */
function walk(bytes: Buffer, readSize: number): (string | number)[] {
  const frames: (string | number)[] = [];
  const walker = new FrameWalker({
    text: (buffer, start, end) => frames.push(buffer.toString("utf8", start, end)),
    control: (firstByte) => frames.push(firstByte),
  });
  for (let start = 0; start < bytes.length; start += readSize) {
    const read = Buffer.from(bytes.subarray(start, start + readSize)); // a copy, as each read reuses its buffer
    walker.push(read, 0, read.length);
    read.fill(0);
  }
  return frames;
}

/** Removes the mask of one client frame with a short payload. */
function unmask(frame: Buffer): string {
  const mask = frame.subarray(2, 6);
  return Buffer.from(frame.subarray(6).map((byte, index) => byte ^ (mask[index % 4] ?? 0))).toString();
}

describe("FrameWalker", () => {
  const long = "x".repeat(300);
  const veryLong = "y".repeat(70_000);
  const bytes = Buffer.concat([
    serverFrame("short"),
    serverFrame("", PING_FIRST_BYTE),
    serverFrame(long),
    serverFrame(""),
    serverFrame(veryLong),
    serverFrame("last"),
  ]);

  test.each([1, 2, 3, 7, 100, 4_096, 1_000_000])("finds every frame in reads of %i bytes", (readSize) => {
    expect(walk(bytes, readSize)).toEqual(["short", PING_FIRST_BYTE, long, "", veryLong, "last"]);
  });

  test("passes no incomplete frame to the sink", () => {
    expect(walk(serverFrame("incomplete").subarray(0, -1), 100)).toEqual([]);
  });
});

describe("NumberedFrame", () => {
  test("copies differ in their number only, at every placeholder", () => {
    const size = textFrame("id 000, again 000").length;
    const copies = new NumberedFrame("id 000, again 000", "000").copies(98, 3);
    const texts = [0, 1, 2].map((index) => unmask(copies.subarray(index * size, (index + 1) * size)));
    expect(texts).toEqual(["id 098, again 098", "id 099, again 099", "id 100, again 100"]);
  });

  test("a text without a placeholder is refused", () => {
    expect(() => new NumberedFrame("no number", "000")).toThrow("no placeholder");
  });
});

test.each([
  [[1, 2, 3], 0.5, 2],
  [[4, 1], 0.5, 2.5],
  [[3], 0.99, 3],
  [[1, 2, 3, 4, 5], 1, 5],
  [[], 0.5, NaN],
])("of %j the quantile %d is %d", (values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});
