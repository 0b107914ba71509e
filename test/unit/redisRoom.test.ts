import { createHash } from "node:crypto";
import { UnknownOffsetError } from "../../src/messageLog/messageLog";
import { RedisRoom, type StreamEntry } from "../../src/messageLog/redis/redisRoom";

const OLD = "aaaaaaaaaaaa";
const NEW = "bbbbbbbbbbbb";

function entry(sequence: number, epoch = OLD, previous = sequence - 1): StreamEntry {
  return { sequence, epoch, previous, json: `{"sequence":${String(sequence)}}` };
}

/** A room of epoch OLD with messages 1 to `head`, all delivered here. */
function roomAt(head: number): RedisRoom {
  const room = new RedisRoom("/cooking", "chat");
  room.open([OLD, "0", "0", "0", "", "0", "0"]);
  for (let sequence = 1; sequence <= head; sequence += 1) room.onDelivered(entry(sequence));
  return room;
}

/** The reply of OPEN when the epoch NEW began after message 5: its first sequence is 1,006. */
function newEpochAfter5(hasMissed: "0" | "1" = "0"): Parameters<RedisRoom["open"]>[0] {
  return [NEW, "1005", "5", "1005", "", hasMissed, "0"];
}

describe("classify", () => {
  test("the message after the head is next", () => {
    expect(roomAt(5).classify(entry(6))).toBe("next");
  });

  test("a message up to the head is seen, whatever its epoch", () => {
    expect(roomAt(5).classify(entry(5))).toBe("seen");
    expect(roomAt(5).classify(entry(4, NEW))).toBe("seen");
  });

  test("a message whose predecessor was not delivered comes after a gap", () => {
    expect(roomAt(5).classify(entry(8))).toBe("afterGap");
  });

  test("a message of an epoch that began elsewhere is of a new epoch, also when it seems to follow a gap", () => {
    expect(roomAt(5).classify(entry(1_006, NEW, 1_005))).toBe("newEpoch");
  });

  test("behind the seam, messages of the epoch before it are still next", () => {
    const room = roomAt(3);
    room.open(newEpochAfter5());
    expect(room.classify(entry(4))).toBe("next");
    room.onDelivered(entry(4));
    expect(room.classify(entry(5))).toBe("next");
  });

  test("the first message of a known new epoch is next, because the seam is no gap", () => {
    const room = roomAt(5);
    room.open(newEpochAfter5());
    expect(room.classify(entry(1_006, NEW, 1_005))).toBe("next");
  });

  test("a message that is missing before the seam is a gap", () => {
    const room = roomAt(3);
    room.open(newEpochAfter5());
    expect(room.classify(entry(1_006, NEW, 1_005))).toBe("afterGap");
  });
});

describe("open", () => {
  test("a new reader starts at the end of the room, with the digest that Redis returned", () => {
    const room = new RedisRoom("/cooking", "chat");
    room.open([OLD, "9", "0", "0", "sha", "0", "0"]);
    expect(room.readerState()).toEqual([OLD, 9, "sha"]);
    expect(room.cursor).toBe("9-0");
  });

  test("a reader that missed nothing continues where it was", () => {
    const room = roomAt(3);
    room.open([OLD, "9", "0", "0", "sha", "0", "0"]);
    const digest = createHash("sha1").update(entry(3).json).digest("hex");
    expect(room.readerState()).toEqual([OLD, 3, digest]);
    expect(room.cursor).toBe("3-0");
  });

  test("a reader whose missed messages are gone continues at the end", () => {
    const room = roomAt(3);
    room.open(newEpochAfter5("1"));
    expect(room.readerState()).toEqual([NEW, 1_005, ""]);
  });

  test("a reader at the end of the old epoch moves across the seam, one before it does not yet", () => {
    const [atEnd, behind] = [roomAt(5), roomAt(4)];
    for (const room of [atEnd, behind]) room.open(newEpochAfter5());
    expect([atEnd.head, behind.head]).toEqual([1_005, 4]);
    behind.onDelivered(entry(5));
    expect(behind.head).toBe(1_005);
  });

  test("a reader that has messages which Redis lost keeps its place above them", () => {
    const room = roomAt(8);
    room.open(newEpochAfter5());
    expect(room.head).toBe(1_005);
  });
});

describe("whenDelivered", () => {
  test("calls back when the message is announced, each waiter once", () => {
    const room = roomAt(5);
    const called: string[] = [];
    room.whenDelivered(6, () => called.push("one"));
    room.whenDelivered(6, () => called.push("other"));
    room.onDelivered(entry(6));
    expect(called).toEqual([]);
    room.announce(6);
    room.announce(6);
    expect(called).toEqual(["one", "other"]);
  });

  test("calls back at once for a message that was delivered before", () => {
    const called: number[] = [];
    roomAt(5).whenDelivered(5, () => called.push(5));
    expect(called).toEqual([5]);
  });

  test("never calls back for a message that Redis lost after it had acknowledged it", () => {
    const room = roomAt(5);
    const called: number[] = [];
    room.whenDelivered(6, () => called.push(6));
    room.open(newEpochAfter5());
    room.announce(6);
    expect(called).toEqual([]);
  });
});

test("an offset is reached at the head, with a tolerance also after it, and in its own epoch only", () => {
  const room = roomAt(5);
  expect(room.reaches(`${OLD}-5`, 0)).toBe(true);
  expect(room.reaches(`${OLD}-6`, 0)).toBe(false);
  expect(room.reaches(`${OLD}-6`, 1)).toBe(true);
  expect(room.reaches(`${NEW}-5`, 0)).toBe(false);
});

test("an offset of another epoch has no sequence", () => {
  expect(() => roomAt(5).sequenceOf(`${NEW}-1`)).toThrow(UnknownOffsetError);
});

test("the distance of an offset counts the messages after it, without the jump of the seam", () => {
  const room = roomAt(5);
  expect(room.distance(`${OLD}-2`)).toBe(3);
  expect(room.distance(`${OLD}-7`)).toBe(-2);
  room.open(newEpochAfter5());
  for (const sequence of [1_006, 1_007]) room.onDelivered(entry(sequence, NEW));
  const offsets = [3, 5, 700, 1_005, 1_006, 1_007].map((sequence) => `${NEW}-${sequence.toString(36)}`);
  expect(offsets.map((offset) => room.distance(offset))).toEqual([4, 2, 2, 2, 1, 0]);
  expect(room.distance(`${OLD}-2`)).toBeUndefined();
});
