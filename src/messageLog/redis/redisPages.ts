import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { StoreError, UnknownOffsetError, type Page, type PageRequest } from "../messageLog";
import { parseOffset } from "../offset";
import { parseEntry, type RedisRoom, type StreamEntry } from "./redisRoom";
import { PAGE, type PageReply } from "./redisScripts";

const CATCH_UP_TIMEOUT_MS = 1_900;
const POLL_INTERVAL_MS = 10;

interface EntriesRequest {
  command: "XRANGE" | "XREVRANGE";
  from: number; // sequences, both included; XREVRANGE begins at the greater one
  to: number;
  limit: number;
  maxBytes: number; // of JSON
}

/** Reads pages of the messages that this node has delivered, never later ones. */
export class RedisPages {
  readonly #redis: Redis;
  readonly #reopen: () => void; // called when Redis has an epoch that this node does not know

  constructor(redis: Redis, reopen: () => void) {
    this.#redis = redis;
    this.#reopen = reopen;
  }

  /** As `MessageLog.read`, but rejects with the errors of Redis, too. */
  async read(room: RedisRoom, request: PageRequest): Promise<Page> {
    const { after, before, limit, maxBytes = Number.MAX_SAFE_INTEGER } = request;
    if (after !== undefined) await this.#catchUp(room, after, 0);
    if (before !== undefined) await this.#catchUp(room, before, 1);
    const { head } = room; // messages delivered while Redis answers belong to the next page
    const end = before === undefined ? head + 1 : Math.max(parseOffset(room.epoch, before), 1);
    const emptyPageAt = after === undefined ? end - 1 : room.sequenceOf(after);
    const [found, [oldest]] = await Promise.all([
      after === undefined
        ? this.#entries(room, { command: "XREVRANGE", from: emptyPageAt, to: 0, limit, maxBytes })
        : this.#entries(room, { command: "XRANGE", from: emptyPageAt + 1, to: head, limit, maxBytes }),
      this.#entries(room, { command: "XRANGE", from: 0, to: head, limit: 1, maxBytes }),
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

  /**
   * Returns messages between two sequences, in the order of the command, up to the limit of messages or of bytes, but at
   * least one. Skips foreign entries.
   */
  async #entries(room: RedisRoom, { command, from, to, limit, maxBytes }: EntriesRequest) {
    const found: StreamEntry[] = [];
    const end = `${String(to)}-0`;
    let bytesLeft = maxBytes;
    for (let start = `${String(from)}-0`; start !== "" && found.length < limit;) {
      const args = [command, start, end, limit - found.length, bytesLeft, found.length];
      const [raw, next, full] = (await this.#redis.eval(PAGE, 1, room.keys.stream, ...args)) as PageReply;
      const entries = raw.flatMap((entry) => parseEntry(room.name, entry) ?? []);
      for (const { json } of entries) bytesLeft -= Buffer.byteLength(json);
      found.push(...entries);
      start = full && found.length > 0 ? "" : next;
    }
    return found;
  }
}
