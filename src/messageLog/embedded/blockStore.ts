import { join } from "node:path";
import { crc32 } from "node:zlib";
import { open, type Database, type RootDatabase } from "lmdb";
import type { ClientEventLog } from "../../observability/logger";
import type { KeyRecord } from "../idempotencyKeys";
import { StoreError } from "../messageLog";
import { checkFreeSpace } from "./freeSpace";
import { checkIntegrity, markIntact } from "./integrity";
import { decodeBlock, decodeKeys, decodeState, encodeBlock, encodeKeys, encodeState } from "./records";
import { FORMAT, placeOf, type LogState } from "./records";

export const DATABASES = { blocks: "blocks", keys: "keys", state: "state" } as const; // their names in LMDB
const MAX_BLOCK_CHARS = 128 * 1024; // at most 384 KB; reading one message decodes its block
const SEQUENCE_LIMIT = 2 ** 50; // far above every sequence that is given out; offsets can hold greater ones
const MIN_MESSAGE_CHARS = 100; // the JSON of a message is longer: its fields and quotes alone are 117 characters

/** A message and its sequence in the room. The first message of a room has sequence 1. */
export interface Sequenced {
  sequence: number;
  json: string;
}

/** The sequences of a room. For an empty room, `first` is 1 and `last` is 0. */
export interface Bounds {
  first: number; // the first one stored
  last: number; // no message has a greater one
  isExact: boolean; // false if the newest block is damaged: then `last` is an estimate, too great if anything
}

type BlockKey = [room: string, firstSequence: number];

/**
 * The log's LMDB environment. The messages of one room in one turn of the event loop share a record, called a block:
 * writing a block costs the same for one message and for hundreds. Writes are allowed inside `transaction` only.
 * Reads throw what LMDB throws. They skip damaged records; each damaged block is logged once.
 */
export class BlockStore {
  readonly state: LogState | undefined; // when the store was opened; undefined if there was none, or it is damaged
  readonly #path: string;
  readonly #root: RootDatabase;
  readonly #blocks: Database<string, BlockKey>; // messages of one turn of the event loop
  readonly #keys: Database<string, [timeMs: number, turn: number]>; // key records of one turn, time of the newest
  readonly #state: Database<string, string>;
  readonly #log: ClientEventLog | undefined;
  readonly #damaged = new Set<number>(); // places of the damaged blocks that were logged
  #turn = 0; // distinguishes turns within one millisecond

  /** Throws a StoreError when the directory holds anything but a readable log of this format or of format 1. */
  constructor(directory: string, log?: ClientEventLog) {
    this.#log = log;
    const path = (this.#path = join(directory, "log"));
    try {
      checkFreeSpace(path);
      checkIntegrity(path);
      // eventTurnBatching would batch a second time, and its promises reject where no caller can catch them.
      this.#root = open({ path, maxDbs: Object.keys(DATABASES).length, eventTurnBatching: false });
      this.#blocks = this.#root.openDB({ name: DATABASES.blocks, encoding: "string" });
      this.#keys = this.#root.openDB({ name: DATABASES.keys, encoding: "string" });
      this.#state = this.#root.openDB({ name: DATABASES.state, encoding: "string" });
      this.state = this.#readState();
      const { format = FORMAT } = this.state ?? {};
      if (format !== FORMAT && format !== 1) throw new StoreError(`it has format ${String(format)}`);
    } catch (error) {
      throw new StoreError(`${path} cannot be opened: ${(error as Error).message}`);
    }
  }

  /** Runs `write` in one transaction. Resolves once it is committed; rejects with a StoreError if it fails. */
  async transaction(write: () => void): Promise<void> {
    try {
      await this.#root.batch(write);
    } catch (error) {
      // lmdb rejects this second promise, too; without a handler it would be an unhandled rejection.
      (error as { commitError?: Promise<never> }).commitError?.catch(() => undefined);
      throw new StoreError(`the store cannot be written: ${(error as Error).message}`);
    }
  }

  /** Stores messages of consecutive sequences in as few blocks as their size allows; for none, an empty block. */
  putMessages(room: string, firstSequence: number, jsons: readonly string[]): void {
    let start = 0; // of the next block
    let chars = 0;
    for (const [i, { length }] of jsons.entries()) {
      if (i > start && chars + length > MAX_BLOCK_CHARS) {
        this.#putBlock([room, firstSequence + start], jsons.slice(start, i));
        start = i;
        chars = 0;
      }
      chars += length;
    }
    this.#putBlock([room, firstSequence + start], start === 0 ? jsons : jsons.slice(start));
  }

  /** Removes up to `limit` blocks whose messages all lie before `sequence`. Returns the first sequence left. */
  removeBlocksBefore(room: string, sequence: number, limit: number): number {
    const keys = [...this.#blocks.getKeys({ ...range(room, 0, sequence + 1), limit: limit + 1 })];
    const kept = keys.pop(); // this block may reach beyond `sequence`
    for (const key of keys) void this.#blocks.remove(key);
    return kept !== undefined && isSound(kept) ? kept[1] : sequence;
  }

  removeBlocksFrom(room: string, sequence: number): void {
    const keys = [...this.#blocks.getKeys(range(room, sequence, Infinity))];
    for (const key of keys) void this.#blocks.remove(key);
  }

  /** Returns the rooms that have blocks. */
  rooms(): Set<string> {
    const rooms = new Set<string>();
    let start: BlockKey | undefined;
    for (;;) {
      const [next] = this.#blocks.getKeys({ ...(start && { start }), limit: 1 });
      if (next === undefined || rooms.has(next[0])) return rooms;
      rooms.add(next[0]);
      start = [next[0], Infinity];
    }
  }

  bounds(room: string): Bounds {
    const [oldest] = this.#blocks.getKeys({ ...range(room, 0, Infinity), limit: 1 });
    const first = oldest !== undefined && isSound(oldest) ? oldest[1] : 1;
    let unplaced = 0; // messages whose keys are damaged
    for (const { key, value } of this.#blocks.getRange({ ...range(room, Infinity, 0), reverse: true })) {
      const jsons = this.#decode(key, value);
      const count = jsons?.length ?? Math.ceil(value.length / MIN_MESSAGE_CHARS);
      if (isSound(key)) {
        const isExact = jsons !== undefined && unplaced === 0;
        return { first, last: key[1] + count - 1 + unplaced, isExact };
      }
      unplaced += count;
    }
    return { first, last: unplaced, isExact: unplaced === 0 };
  }

  /** Returns a checksum of all rooms and their last sequences. */
  heads(): number {
    return crc32(JSON.stringify([...this.rooms()].map((room) => [room, this.bounds(room).last])));
  }

  *forward(room: string, sequence: number): Generator<Sequenced> {
    const [block] = this.#blocks.getKeys({ ...range(room, sequence, 0), reverse: true, limit: 1 });
    const start = block !== undefined && isSound(block) ? block[1] : sequence; // it may lie within a block
    for (const { key, value } of this.#blocks.getRange(range(room, start, Infinity))) {
      const jsons = this.#decode(key, value);
      if (jsons === undefined) continue;
      const first = key[1];
      for (let i = Math.max(0, sequence - first); i < jsons.length; i += 1)
        yield { sequence: first + i, json: jsons[i] ?? "" };
    }
  }

  /** Yields the messages before `sequence`, newest first. */
  *backward(room: string, sequence: number): Generator<Sequenced> {
    for (const { key, value } of this.#blocks.getRange({ ...range(room, sequence, 0), reverse: true })) {
      const jsons = this.#decode(key, value);
      if (jsons === undefined) continue;
      const first = key[1];
      for (let i = Math.min(jsons.length, sequence - first) - 1; i >= 0; i -= 1)
        yield { sequence: first + i, json: jsons[i] ?? "" };
    }
  }

  /** Stores the key records of one turn under the time of the newest, in ms since 1970. */
  putKeys(timeMs: number, records: readonly KeyRecord[]): void {
    this.#turn += 1;
    void this.#keys.put([timeMs, this.#turn], encodeKeys(placeOf(String(timeMs), this.#turn), records));
  }

  *keyRecords(): Generator<KeyRecord> {
    for (const { key, value } of this.#keys.getRange()) {
      const [timeMs, turn] = key;
      const place = Number.isSafeInteger(turn) ? placeOf(String(timeMs), turn) : undefined; // damage changes keys, too
      const records = place === undefined ? undefined : decodeKeys(place, value);
      if (records === undefined) this.#log?.error("damaged idempotency keys skipped", { timeMs });
      else yield* records;
    }
  }

  /** Removes the key records of turns before the time, in ms since 1970. */
  removeKeysBefore(timeMs: number): void {
    for (const key of [...this.#keys.getKeys({ end: [timeMs, 0] })]) void this.#keys.remove(key);
  }

  /** Resolves once the state, and everything written before it, is flushed to the disk. */
  async saveState(state: LogState): Promise<void> {
    await this.transaction(() => void this.#state.put("state", encodeState(state)));
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    await this.#root.close();
    markIntact(this.#path);
  }

  #putBlock(key: BlockKey, jsons: readonly string[]): void {
    void this.#blocks.put(key, encodeBlock(placeOf(...key), jsons));
  }

  /** Returns the messages of a block; undefined if it is damaged. */
  #decode(key: BlockKey, stored: string): string[] | undefined {
    const [room, sequence] = key;
    const place = isSound(key) ? placeOf(room, sequence) : crc32(stored);
    const jsons = isSound(key) ? decodeBlock(place, stored) : undefined;
    if (jsons !== undefined || this.#damaged.has(place)) return jsons;
    this.#damaged.add(place);
    this.#log?.error("damaged messages skipped", { room, sequence: isSound(key) ? sequence : "damaged" });
    return undefined;
  }

  #readState(): LogState | undefined {
    const stored = this.#state.get("state");
    const state = stored === undefined ? undefined : decodeState(stored);
    if (stored !== undefined && state === undefined)
      this.#log?.error("state damaged: offsets from before this start are void", {});
    return state;
  }
}

/** Whether the sequence is one that the log gives out. Damage can make it a value of any type. */
function isSound([, sequence]: BlockKey): boolean {
  return Number.isSafeInteger(sequence) && sequence > 0 && sequence < SEQUENCE_LIMIT;
}

function range(room: string, start: number, end: number): { start: BlockKey; end: BlockKey } {
  return { start: [room, start], end: [room, end] };
}
