import type { Redis } from "ioredis";
import { parseEntry, type RawEntry, type RedisRoom, type StreamEntry } from "./redisRoom";

export interface ReaderEvents {
  deliver: (room: RedisRoom, entry: StreamEntry, replyCount: number) => void; // count: entries in the same reply
  onGap: (room: RedisRoom) => void; // Redis no longer holds the messages between the last one delivered and the next
  onForeignEntry: (room: RedisRoom, id: string) => void; // an entry was skipped that this service did not write
}

export const BLOCK_MS = 1_000; // for how long Redis holds a read that finds no new entries
const MAX_ENTRIES_PER_ROOM = 500; // in one reply

type Reply = [stream: string, entries: RawEntry[]][] | null;

/**
 * Follows the streams of all rooms and delivers what is new. Resolves when the rooms must be opened again: `mayRead`
 * is false, or an unknown epoch begins. Rejects when the connection fails.
 */
export async function follow(
  redis: Redis,
  rooms: readonly RedisRoom[],
  mayRead: () => boolean,
  events: ReaderEvents,
): Promise<void> {
  const byStream = new Map(rooms.map((room) => [room.keys.stream, room]));
  while (mayRead()) {
    const places = [...byStream.keys(), ...rooms.map(({ cursor }) => cursor)];
    const options = ["COUNT", MAX_ENTRIES_PER_ROOM, "BLOCK", BLOCK_MS, "STREAMS", ...places];
    const reply = (await redis.call("XREAD", options)) as Reply;
    for (const [stream, entries] of reply ?? []) {
      const room = byStream.get(stream);
      if (room !== undefined && !take(room, entries, events)) return;
    }
  }
}

/** Returns false when an unknown epoch begins among the entries. */
function take(room: RedisRoom, entries: readonly RawEntry[], events: ReaderEvents): boolean {
  const delivered: number[] = [];
  let kind: ReturnType<RedisRoom["classify"]> | undefined;
  for (const raw of entries) {
    const entry = parseEntry(room.name, raw);
    kind = entry && room.classify(entry);
    if (kind === "newEpoch") break;
    if (kind === "seen") continue;
    [room.cursor] = raw;
    if (kind === "afterGap") events.onGap(room);
    if (entry === undefined) {
      events.onForeignEntry(room, raw[0]);
      continue;
    }
    room.onDelivered(entry);
    events.deliver(room, entry, entries.length);
    delivered.push(entry.sequence);
  }
  for (const sequence of delivered) room.announce(sequence);
  return kind !== "newEpoch";
}
