import { createHash, randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { OPEN, type OpenReply } from "../../src/messageLog/redis/redisScripts";
import { describeWithBinary } from "../support/binaries";
import { sharedRedis } from "../support/redisServer";

const EPOCH = "aaaaaaaaaaaa";
const NEW_EPOCH = "bbbbbbbbbbbb";
const SEAM_JUMP = 1_000_000;
const RESTARTED = { run: "run_id of the process before" };

/** A reader's place in the room: its epoch, its head, and the newest message it has read. */
interface Reader {
  epoch: string;
  head: number;
  newest: string;
}

const NEW_READER: Reader = { epoch: "", head: 0, newest: "" };
const AT_2: Reader = { epoch: EPOCH, head: 2, newest: "message 2" };
const AT_3: Reader = { epoch: EPOCH, head: 3, newest: "message 3" };

/** One room in Redis, and a reader that opens it. */
class Room {
  readonly #redis: Redis;
  readonly #stream = `{${randomUUID()}}:messages`;
  readonly #hash = this.#stream.replace("messages", "log");

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Stores a log of epoch EPOCH with messages 1 and 2, confirmed in the current Redis process. */
  async fill(fields: Record<string, string> = {}): Promise<void> {
    const run = /run_id:(\w+)/.exec(await this.#redis.info("server"))?.[1];
    await this.#redis.hset(this.#hash, { epoch: EPOCH, last: 2, from: 0, to: 0, run, broken: "", ...fields });
    for (const [id, text] of [
      ["1-0", "message 1"],
      ["2-0", "message 2"],
    ] as const)
      // prettier-ignore
      await this.#redis.xadd(this.#stream, id, "e", EPOCH, "p", String(parseInt(id) - 1), "m", text);
  }

  async open({ epoch, head, newest }: Reader) {
    const digest = newest === "" ? "" : sha1(newest);
    const reply = await this.#redis.eval(OPEN, 2, this.#stream, this.#hash, NEW_EPOCH, epoch, head, digest);
    const [opened, last, from, to, newestDigest, hasMissed] = reply as OpenReply;
    return { epoch: opened, last: Number(last), from: Number(from), to: Number(to), newestDigest, hasMissed };
  }

  async broken(): Promise<string | null> {
    return this.#redis.hget(this.#hash, "broken");
  }
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

/** What OPEN returns when it keeps the epoch of a room that holds messages 1 and 2. */
const KEPT = { epoch: EPOCH, last: 2, from: 0, to: 0, newestDigest: sha1("message 2") };

/** What OPEN returns when a new epoch begins in a room whose newest message is 2; `given`: the last sequence ever. */
function begun(given: number) {
  const last = given + SEAM_JUMP;
  return { epoch: NEW_EPOCH, last, from: 2, to: last, newestDigest: "" };
}

// One test for each row of the table at OPEN, in its order.
describeWithBinary("redis-server", "the script OPEN", () => {
  const redis = sharedRedis();
  let room: Room;
  beforeEach(() => {
    room = new Room(redis().control);
  });

  test("first start: a new epoch begins at 0, without a gap", async () => {
    const opened = await room.open(NEW_READER);
    expect(opened).toEqual({ epoch: NEW_EPOCH, last: 0, from: 0, to: 0, newestDigest: "", hasMissed: "0" });
  });

  test("flushed, the reader knows messages: a new epoch begins above them, without a gap", async () => {
    const opened = await room.open(AT_3);
    expect(opened).toEqual({ ...begun(3), from: 0, hasMissed: "0" });
  });

  test("new reader, same Redis process: the epoch is kept, without a gap", async () => {
    await room.fill();
    expect(await room.open(NEW_READER)).toEqual({ ...KEPT, hasMissed: "0" });
  });

  test("new reader, Redis restarted: a new epoch begins, without a gap", async () => {
    await room.fill(RESTARTED);
    expect(await room.open(NEW_READER)).toEqual({ ...begun(2), hasMissed: "0" });
  });

  test("reader returns, same Redis process: the epoch is kept, without a gap", async () => {
    await room.fill();
    expect(await room.open(AT_2)).toEqual({ ...KEPT, hasMissed: "0" });
    const behind = { epoch: EPOCH, head: 1, newest: "message 1" };
    expect(await room.open(behind)).toEqual({ ...KEPT, hasMissed: "0" });
  });

  test("Redis restarted, newest is still there: the epoch is kept and confirmed for other readers", async () => {
    await room.fill(RESTARTED);
    expect(await room.open(AT_2)).toEqual({ ...KEPT, hasMissed: "0" });
    expect(await room.open(NEW_READER)).toEqual({ ...KEPT, hasMissed: "0" });
  });

  test("Redis restarted, newest is not there: a new epoch begins above it, without a gap", async () => {
    await room.fill(RESTARTED);
    expect(await room.open(AT_3)).toEqual({ ...begun(3), hasMissed: "0" });
    expect(await room.broken()).toBe("");
  });

  test("Redis restarted, another message has the place of newest: a new epoch begins, with a gap", async () => {
    await room.fill(RESTARTED);
    const opened = await room.open({ ...AT_2, newest: "message 2, lost" });
    expect(opened).toEqual({ ...begun(2), hasMissed: "1" });
    expect(await room.broken()).toBe("");
  });

  test("another reader confirmed the epoch, newest is lost: a new epoch begins, the old one is broken", async () => {
    await room.fill();
    expect(await room.open(AT_3)).toEqual({ ...begun(3), hasMissed: "1" });
    expect(await room.broken()).toBe(EPOCH);
  });

  test("another reader confirmed the epoch, another message replaced newest: the same", async () => {
    await room.fill();
    const opened = await room.open({ ...AT_2, newest: "message 2, lost" });
    expect(opened).toEqual({ ...begun(2), hasMissed: "1" });
    expect(await room.broken()).toBe(EPOCH);
  });

  test("another reader has begun a new epoch: it is kept, without a gap", async () => {
    await room.fill(RESTARTED);
    await room.open(NEW_READER);
    expect(await room.open(AT_2)).toEqual({ ...begun(2), hasMissed: "0" });
  });

  test("another reader has declared the reader's epoch broken: the new one is kept, with a gap", async () => {
    await room.fill();
    await room.open(AT_3);
    expect(await room.open(AT_2)).toEqual({ ...begun(3), hasMissed: "1" });
    expect(await room.open(NEW_READER)).toEqual({ ...begun(3), hasMissed: "0" });
  });
});
