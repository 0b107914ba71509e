import type { Redis } from "ioredis";
import { parseEntry, type RawEntry } from "./streamEntry";
import type { RedisRoom } from "./redisRoom";

export interface RedisReaderDeps {
  /** `replyCount`: entries of this room in the reply that the message came in. */
  deliver: (room: RedisRoom, sequence: number, json: string, replyCount: number) => void;
  /** Redis no longer holds the messages between the last one delivered and the next one. */
  onGap: (room: RedisRoom) => void;
  /** An entry was skipped that this service did not write. */
  onForeignEntry: (room: RedisRoom, id: string) => void;
}

/** How long Redis holds a read that finds no new entries. */
export const BLOCK_MS = 1_000;
const MAX_ENTRIES_PER_ROOM = 500; // in one reply

type Reply = [stream: string, entries: RawEntry[]][] | null;

/** The reader of one node: follows the streams of all rooms, and delivers what is new. */
export class RedisReader {
  readonly #redis: Redis;
  /** stream key → room */
  readonly #rooms: ReadonlyMap<string, RedisRoom>;
  readonly #deps: RedisReaderDeps;
  /** Counts the connections. A new one may lead to a Redis that has lost data, so the rooms must be opened again. */
  connectionNumber = 0;

  constructor(redis: Redis, rooms: readonly RedisRoom[], deps: RedisReaderDeps) {
    this.#redis = redis;
    this.#rooms = new Map(rooms.map((room) => [room.keys.stream, room]));
    this.#deps = deps;
    redis.on("ready", () => (this.connectionNumber += 1));
  }

  /**
   * Reads and delivers for as long as the connection has the number that the rooms were opened for. Resolves when
   * the rooms must be opened again; rejects when the connection fails.
   */
  async follow(connectionNumber: number): Promise<void> {
    while (this.connectionNumber === connectionNumber) {
      const reply = (await this.#read()) ?? [];
      const areCurrent = reply.map(([stream, entries]) => this.#take(this.#rooms.get(stream), entries));
      if (areCurrent.includes(false)) return;
    }
  }

  async #read(): Promise<Reply> {
    const streams = [...this.#rooms.keys()];
    const cursors = [...this.#rooms.values()].map(({ cursor }) => cursor);
    const options = ["COUNT", MAX_ENTRIES_PER_ROOM, "BLOCK", BLOCK_MS, "STREAMS", ...streams, ...cursors];
    return (await this.#redis.call("XREAD", options)) as Reply;
  }

  /** Returns false when an unknown epoch begins among the entries. */
  #take(room: RedisRoom | undefined, entries: readonly RawEntry[]): boolean {
    if (room === undefined) return true;
    const delivered: number[] = [];
    let isCurrent = true;
    for (const raw of entries) {
      const entry = parseEntry(room.name, raw);
      const kind = entry === undefined ? "foreign" : room.classify(entry);
      isCurrent = kind !== "newEpoch";
      if (!isCurrent) break;
      if (kind === "seen") continue;
      room.cursor = raw[0];
      if (entry === undefined) {
        this.#deps.onForeignEntry(room, raw[0]);
        continue;
      }
      if (kind === "afterGap") this.#deps.onGap(room);
      room.onDelivered(entry);
      this.#deps.deliver(room, entry.sequence, entry.json, entries.length);
      delivered.push(entry.sequence);
    }
    for (const sequence of delivered) room.announce(sequence);
    return isCurrent;
  }
}
