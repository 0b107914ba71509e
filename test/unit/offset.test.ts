import { UnknownOffsetError } from "../../src/messageLog/messageLog";
import { formatOffset, newEpoch, parseOffset, roomEpoch } from "../../src/messageLog/offset";

const EPOCH = "0123456789ab";

test.each([0, 1, 35, 36, 1_000_000, 36 ** 10 - 1])("the offset of sequence %d is parsed back", (sequence) => {
  expect(parseOffset(EPOCH, formatOffset(EPOCH, sequence))).toBe(sequence);
});

test("an offset is the epoch and the sequence in base 36", () => {
  expect(formatOffset(EPOCH, 37)).toBe("0123456789ab-11");
});

test.each([
  ["of another epoch", "0123456789ac-1"],
  ["without a sequence", "0123456789ab-"],
  ["with a leading zero, a second spelling of the same place", "0123456789ab-01"],
  ["in upper case", "0123456789ab-A"],
  ["with a negative sequence", "0123456789ab--1"],
  ["with too many digits", "0123456789ab-zzzzzzzzzzz"],
  ["with a line break after it", "0123456789ab-1\n"],
  ["that is empty", ""],
])("an offset %s is unknown", (_name, offset) => {
  expect(() => parseOffset(EPOCH, offset)).toThrow(UnknownOffsetError);
});

test("no offset is valid before the epoch is known", () => {
  for (const offset of ["", "-1", `${EPOCH}-1`])
    expect(() => parseOffset("", offset)).toThrow(UnknownOffsetError);
});

test("each new epoch differs, and its offsets are well formed", () => {
  const [one, other] = [newEpoch(), newEpoch()];
  expect(one).not.toBe(other);
  expect(parseOffset(one, formatOffset(one, 5))).toBe(5);
});

test("rooms have different epochs, which depend on the epoch of the log", () => {
  const epochs = [
    roomEpoch(EPOCH, "/cooking"),
    roomEpoch(EPOCH, "/pets"),
    roomEpoch("ba9876543210", "/cooking"),
  ];
  expect(new Set(epochs).size).toBe(3);
  for (const epoch of epochs) expect(epoch).toMatch(/^[0-9a-f]{12}$/);
});

test("the epoch of a room is the one that version 1.0.0 computed, so that its offsets stay valid", () => {
  expect(roomEpoch(EPOCH, "/cooking")).toBe("70331d06090b");
});
