import type { Redis } from "ioredis";
import { UnknownOffsetError, type Page, type PageRequest } from "./messageLog";
import { parseEntry, type Entry, type RawEntry } from "./redisEntry";
import type { RedisRoom } from "./redisRoom";

type Range = "xrange" | "xrevrange";

/** Reads a page of a room: of what its node has delivered, never more. Throws what Redis throws. */
export async function readPage(redis: Redis, room: RedisRoom, request: PageRequest): Promise<Page> {
  const { after, before, limit } = request;
  const { position } = room; // what is delivered while Redis is asked belongs to the next page
  if (after !== undefined) return readAfter(redis, room, position, room.sequenceOf(after), limit);
  const end = before === undefined ? position + 1 : room.sequenceOf(before);
  if (end > position + 1) throw new UnknownOffsetError("offset not yet given out");
  return readBefore(redis, room, position, end, limit);
}

async function readAfter(
  redis: Redis,
  room: RedisRoom,
  position: number,
  sequence: number,
  limit: number,
): Promise<Page> {
  if (sequence > position) throw new UnknownOffsetError("offset not yet given out");
  const found = await entries(redis, room, "xrange", sequence + 1, position, limit);
  // Not even a gap may go unnoticed: what follows the offset must still be here.
  if ((found[0]?.previous ?? position) !== sequence) throw new UnknownOffsetError("offset not kept");
  return page(redis, room, position, found, sequence);
}

async function readBefore(
  redis: Redis,
  room: RedisRoom,
  position: number,
  end: number,
  limit: number,
): Promise<Page> {
  const found = await entries(redis, room, "xrevrange", end - 1, 0, limit);
  return page(redis, room, position, found.reverse(), end - 1);
}

/** `place`: where an empty page lies, between what is older and what is newer. */
async function page(
  redis: Redis,
  room: RedisRoom,
  position: number,
  found: Entry[],
  place: number,
): Promise<Page> {
  const [oldest] = await entries(redis, room, "xrange", 0, position, 1);
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
): Promise<Entry[]> {
  const found: Entry[] = [];
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
