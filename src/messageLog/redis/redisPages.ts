import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { StoreError, UnknownOffsetError, type Page, type PageRequest } from "../messageLog";
import { parseOffset } from "../offset";
import { parseEntry, type StreamEntry, type RawEntry } from "./streamEntry";
import type { RedisRoom } from "./redisRoom";

const CATCH_UP_WITHIN = 1_900; // ms
const LOOK_AGAIN = 10; // ms

type Range = "xrange" | "xrevrange";

/** Reads a page of a room: of what its node has delivered, never more. Throws what Redis throws. */
export async function readPage(
  redis: Redis,
  room: RedisRoom,
  request: PageRequest,
  reopen: () => unknown,
): Promise<Page> {
  const { after, before, limit } = request;
  if (after !== undefined) await caughtUp(redis, room, { offset: after, beyond: 0 }, reopen);
  if (before !== undefined) await caughtUp(redis, room, { offset: before, beyond: 1 }, reopen);
  const { position } = room; // what is delivered while Redis is asked belongs to the next page
  if (after !== undefined) return readAfter(redis, room, position, room.sequenceOf(after), limit);
  const end = before === undefined ? position + 1 : room.sequenceOf(before);
  return readBefore(redis, room, position, end, limit);
}

/**
 * Resolves once this node has delivered as far as the offset, which another node may have given out that is
 * ahead of it. `beyond`: how far past the last message delivered it may lie.
 */
async function caughtUp(
  redis: Redis,
  room: RedisRoom,
  { offset, beyond }: { offset: string; beyond: number },
  reopen: () => unknown,
): Promise<void> {
  if (room.reaches(offset, beyond)) return;
  const [epoch, last] = await redis.hmget(room.keys.meta, "epoch", "last");
  if (parseOffset(epoch ?? "", offset) > Number(last) + beyond)
    throw new UnknownOffsetError("offset not yet given out");
  if (epoch !== room.epoch) void reopen(); // a quiet room hears of no new epoch by itself
  const giveUp = performance.now() + CATCH_UP_WITHIN;
  while (!room.reaches(offset, beyond)) {
    if (performance.now() > giveUp) throw new StoreError("this node is behind the others");
    await wait(LOOK_AGAIN);
  }
}

async function readAfter(
  redis: Redis,
  room: RedisRoom,
  position: number,
  sequence: number,
  limit: number,
): Promise<Page> {
  const [found, oldest] = await Promise.all([
    entries(redis, room, "xrange", sequence + 1, position, limit),
    oldestEntry(redis, room, position),
  ]);
  // Not even a gap may go unnoticed: what follows the offset must still be here.
  if ((found[0]?.previous ?? position) !== sequence) throw new UnknownOffsetError("offset not kept");
  return page(room, { found, oldest, position, place: sequence });
}

async function readBefore(
  redis: Redis,
  room: RedisRoom,
  position: number,
  end: number,
  limit: number,
): Promise<Page> {
  const [found, oldest] = await Promise.all([
    entries(redis, room, "xrevrange", end - 1, 0, limit),
    oldestEntry(redis, room, position),
  ]);
  return page(room, { found: found.reverse(), oldest, position, place: end - 1 });
}

async function oldestEntry(
  redis: Redis,
  room: RedisRoom,
  position: number,
): Promise<StreamEntry | undefined> {
  const [oldest] = await entries(redis, room, "xrange", 0, position, 1);
  return oldest;
}

interface Stretch {
  found: StreamEntry[];
  /** The oldest message that is kept. */
  oldest: StreamEntry | undefined;
  /** Of the last message delivered. */
  position: number;
  /** Where an empty page lies, between what is older and what is newer. */
  place: number;
}

function page(room: RedisRoom, { found, oldest, position, place }: Stretch): Page {
  const first = found[0]?.sequence ?? place + 1;
  const last = found.at(-1)?.sequence ?? Math.max(place, oldest?.previous ?? 0);
  return {
    messages: found.map(({ sequence, json }) => ({ room: room.name, offset: room.offsetOf(sequence), json })),
    before: oldest !== undefined && oldest.sequence < first ? room.offsetOf(first) : null,
    after: oldest !== undefined && last < position ? room.offsetOf(last) : null,
  };
}

/** The messages between two sequences, in the order of the range; foreign entries are passed over. */
async function entries(
  redis: Redis,
  room: RedisRoom,
  range: Range,
  from: number,
  to: number,
  limit: number,
): Promise<StreamEntry[]> {
  const found: StreamEntry[] = [];
  let start = `${String(from)}-0`;
  const end = `${String(to)}-0`;
  for (;;) {
    const missing = limit - found.length;
    const raw = (await redis[range](room.keys.stream, start, end, "COUNT", missing)) as RawEntry[];
    for (const entry of raw) {
      const parsed = parseEntry(room.name, entry);
      if (parsed !== undefined) found.push(parsed);
    }
    if (found.length === limit || raw.length < missing) return found;
    start = `(${String(raw.at(-1)?.[0])}`;
  }
}
