import type { Redis } from "ioredis";
import { parseEntry, type RawEntry } from "./streamEntry";
import type { RedisRoom } from "./redisRoom";

export interface RedisReaderHandlers {
  deliver: (room: RedisRoom, sequence: number, json: string, countInBatch: number) => void;
  /** Messages between the last one delivered and the next are no longer in Redis. */
  onGap: (room: RedisRoom) => void;
  /** An entry that this service did not write was passed over. */
  onForeignEntry: (room: RedisRoom, id: string) => void;
}

export const BLOCK = 1_000; // ms that Redis lets the reader wait for news
const COUNT = 500; // entries of a room in one reply

type Reply = [stream: string, entries: RawEntry[]][] | null;

/** One node's reader: follows the streams of all rooms from where each one stands, and delivers what is new. */
export class RedisReader {
  readonly #redis: Redis;
  /** stream key → room */
  readonly #rooms: ReadonlyMap<string, RedisRoom>;
  readonly #handlers: RedisReaderHandlers;
  /** Counts the connections: a new one may lead to a Redis that has lost data, and rooms must be opened first. */
  connectionNumber = 0;

  constructor(redis: Redis, rooms: readonly RedisRoom[], handlers: RedisReaderHandlers) {
    this.#redis = redis;
    this.#rooms = new Map(rooms.map((room) => [room.keys.stream, room]));
    this.#handlers = handlers;
    redis.on("ready", () => (this.connectionNumber += 1));
  }

  /**
   * Delivers until the rooms must be opened anew: then it resolves, or rejects with what broke the connection.
   * They were opened for the connection of that number.
   */
  async follow(connectionNumber: number): Promise<void> {
    while (this.connectionNumber === connectionNumber) {
      const reply = await this.#read();
      const isOneEpoch = (reply ?? []).map(([stream, entries]) => this.#take(stream, entries));
      if (isOneEpoch.includes(false)) return;
    }
  }

  async #read(): Promise<Reply> {
    const streams = [...this.#rooms.keys()];
    const cursors = [...this.#rooms.values()].map(({ cursor }) => cursor);
    const options = ["COUNT", COUNT, "BLOCK", BLOCK, "STREAMS", ...streams, ...cursors];
    return (await this.#redis.call("XREAD", options)) as Reply;
  }

  /** Returns false when another epoch has begun, from where the room must be opened anew. */
  #take(stream: string, entries: readonly RawEntry[]): boolean {
    const room = this.#rooms.get(stream);
    if (room === undefined) return true;
    const delivered: number[] = [];
    let isOneEpoch = true;
    for (const raw of entries) {
      const entry = parseEntry(room.name, raw);
      if (entry !== undefined && entry.sequence <= room.position) continue;
      if (entry !== undefined && entry.epoch !== room.epoch && room.isAfterSeam(entry.sequence)) {
        isOneEpoch = false;
        break;
      }
      room.cursor = raw[0];
      if (entry === undefined) {
        this.#handlers.onForeignEntry(room, raw[0]);
        continue;
      }
      if (entry.previous > room.position) this.#handlers.onGap(room);
      room.delivered(entry);
      this.#handlers.deliver(room, entry.sequence, entry.json, entries.length);
      delivered.push(entry.sequence);
    }
    for (const sequence of delivered) room.announce(sequence);
    return isOneEpoch;
  }
}
