import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { StoreError, UnknownOffsetError, type Page, type PageRequest } from "../messageLog";
import { parseOffset } from "../offset";
import { parseEntry, type RawEntry, type RedisRoom, type StreamEntry } from "./redisRoom";

const CATCH_UP_TIMEOUT_MS = 1_900;
const POLL_INTERVAL_MS = 10;

/** Reads pages of the messages that this node has delivered, never later ones. */
export class RedisPages {
  readonly #redis: Redis;
  readonly #reopen: () => void; // called when Redis has an epoch that this node does not know

  constructor(redis: Redis, reopen: () => void) {
    this.#redis = redis;
    this.#reopen = reopen;
  }

  /** As `MessageLog.read`, but rejects with the errors of Redis, too. */
  async read(room: RedisRoom, { after, before, limit }: PageRequest): Promise<Page> {
    if (after !== undefined) await this.#catchUp(room, after, 0);
    if (before !== undefined) await this.#catchUp(room, before, 1);
    const { head } = room; // messages delivered while Redis answers belong to the next page
    const end = before === undefined ? head + 1 : Math.max(parseOffset(room.epoch, before), 1);
    const emptyPageAt = after === undefined ? end - 1 : room.sequenceOf(after);
    const [found, [oldest]] = await Promise.all([
      after === undefined
        ? this.#entries(room, "xrevrange", emptyPageAt, 0, limit)
        : this.#entries(room, "xrange", emptyPageAt + 1, head, limit),
      this.#entries(room, "xrange", 0, head, 1),
    ]);
    if (after === undefined) found.reverse();
    // A page must not hide a gap: the message that follows the offset must still be kept.
    else if ((found[0]?.previous ?? head) !== emptyPageAt) throw new UnknownOffsetError("offset not kept");
    const first = found[0]?.sequence ?? emptyPageAt + 1;
    const last = found.at(-1)?.sequence ?? Math.max(emptyPageAt, oldest?.previous ?? 0);
    return {
      messages: found.map((entry) => room.stored(entry)),
      before: oldest !== undefined && oldest.sequence < first ? room.offsetOf(first) : null,
      after: oldest !== undefined && room.acrossSeam(last) < head ? room.offsetOf(last) : null,
    };
  }

  /** Waits until this node, which may lag, has delivered up to the offset, or up to `tolerance` before it. */
  async #catchUp(room: RedisRoom, offset: string, tolerance: number): Promise<void> {
    if (room.reaches(offset, tolerance)) return;
    const [epoch, last] = await this.#redis.hmget(room.keys.meta, "epoch", "last");
    if (parseOffset(epoch ?? "", offset) > Number(last) + tolerance)
      throw new UnknownOffsetError("offset not yet given out");
    if (epoch !== room.epoch) this.#reopen(); // the reader learns of a new epoch from its first message only
    const deadlineMs = performance.now() + CATCH_UP_TIMEOUT_MS;
    while (!room.reaches(offset, tolerance)) {
      if (performance.now() > deadlineMs) throw new StoreError("this node is behind the others");
      await wait(POLL_INTERVAL_MS);
    }
  }

  /** Returns up to `limit` messages between two sequences, in the order of the command. Skips foreign entries. */
  async #entries(room: RedisRoom, command: "xrange" | "xrevrange", from: number, to: number, limit: number) {
    const found: StreamEntry[] = [];
    const end = `${String(to)}-0`;
    let start = `${String(from)}-0`;
    for (;;) {
      const missing = limit - found.length;
      const raw = (await this.#redis[command](room.keys.stream, start, end, "COUNT", missing)) as RawEntry[];
      found.push(...raw.flatMap((entry) => parseEntry(room.name, entry) ?? []));
      if (found.length === limit || raw.length < missing) return found;
      start = `(${String(raw.at(-1)?.[0])}`;
    }
  }
}
