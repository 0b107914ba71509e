import type { Redis } from "ioredis";
import { parseEntry, type RawEntry, type RedisRoom, type StreamEntry } from "./redisRoom";

export interface Follower {
  mayRead: () => boolean; // asked before each read
  deliver: (room: RedisRoom, entry: StreamEntry, replyCount: number) => void; // count: this room's in the same reply
  onGap: (room: RedisRoom) => void; // Redis no longer holds the messages between the last one delivered and the next
  onForeignEntry: (room: RedisRoom, id: string) => void; // an entry was skipped that this service did not write
}

export const BLOCK_MS = 1_000; // for how long Redis holds a read that finds no new entries
const MAX_ENTRIES = 2_000; // in one reply, over all rooms; 48 MB if each is the longest message
const MIN_ENTRIES_PER_ROOM = 10; // so that rooms are read in batches, however many there are

/** Rejects as `follow` would when it reads: an open log must be one that can be read. */
export async function checkReadable(redis: Redis, rooms: readonly RedisRoom[]): Promise<void> {
  await redis.call("XREAD", ["STREAMS", ...rooms.map(({ keys }) => keys.stream), ...rooms.map(() => "$")]);
}

/**
 * Follows the streams of all rooms and delivers what is new. Resolves when the rooms must be opened again: `mayRead`
 * is false, or an unknown epoch begins. Rejects when the connection fails.
 */
export async function follow(redis: Redis, rooms: readonly RedisRoom[], follower: Follower): Promise<void> {
  const byStream = new Map(rooms.map((room) => [room.keys.stream, room]));
  const entriesPerRoom = Math.max(MIN_ENTRIES_PER_ROOM, Math.floor(MAX_ENTRIES / rooms.length));
  let checkedAt = performance.now();
  while (follower.mayRead()) {
    if (performance.now() - checkedAt >= BLOCK_MS) {
      for (const room of rooms) if (room.isBehindCursor) await rewind(redis, room);
      checkedAt = performance.now();
    }
    const streamsAndCursors = [...byStream.keys(), ...rooms.map(({ cursor }) => cursor)];
    const options = ["COUNT", entriesPerRoom, "BLOCK", BLOCK_MS, "STREAMS", ...streamsAndCursors];
    const reply = (await redis.call("XREAD", options)) as [stream: string, entries: RawEntry[]][] | null;
    for (const [stream, entries] of reply ?? []) {
      const room = byStream.get(stream);
      if (room !== undefined && !take(room, entries, follower)) return;
    }
  }
}

/** Moves the cursor back to the head when the stream ends before the cursor: the foreign entry there is deleted. */
async function rewind(redis: Redis, room: RedisRoom): Promise<void> {
  const [[last = "0-0"] = []] = (await redis.xrevrange(room.keys.stream, "+", "-", "COUNT", 1)) as RawEntry[];
  if (parseInt(last, 10) < parseInt(room.cursor, 10)) room.rewind();
}

/** Returns false when an unknown epoch begins among the entries. */
function take(room: RedisRoom, entries: readonly RawEntry[], follower: Follower): boolean {
  const delivered: number[] = [];
  let kind: ReturnType<RedisRoom["classify"]> | undefined;
  for (const raw of entries) {
    const entry = parseEntry(room.name, raw);
    kind = entry && room.classify(entry);
    if (kind === "newEpoch") break;
    if (kind === "seen") continue;
    [room.cursor] = raw;
    if (kind === "afterGap") follower.onGap(room);
    if (entry === undefined) {
      follower.onForeignEntry(room, raw[0]);
      continue;
    }
    room.onDelivered(entry);
    follower.deliver(room, entry, entries.length);
    delivered.push(entry.sequence);
  }
  for (const sequence of delivered) room.announce(sequence);
  return kind !== "newEpoch";
}
