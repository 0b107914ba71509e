import { join } from "node:path";
import { open, type Database, type RootDatabase } from "lmdb";
import type { KeyRecord } from "../idempotencyKeys";
import { checkFreeSpace } from "./freeSpace";
import { checkIntegrity, markIntact } from "./integrity";
import { StoreError } from "../messageLog";

export const FORMAT = 1; // version of what is stored; a directory of another version is refused
export const DATABASES = { blocks: "blocks", keys: "keys", state: "state" } as const; // their names in LMDB
const SEPARATOR = "\n"; // JSON contains no raw newline

export interface LogState {
  format: number;
  epoch: string;
  isClean: boolean; // the last stop was orderly: everything was written and flushed
  bootId: string | undefined; // of the last writer; undefined on systems without boot ids
}

/** A message and its sequence in the room. The first message of a room has sequence 1. */
export interface Sequenced {
  sequence: number;
  json: string;
}

type BlockKey = [room: string, firstSequence: number];

/**
 * The log's LMDB environment. The messages of one room in one turn of the event loop share a record, called a block:
 * writing a block costs the same for one message and for hundreds. Writes are allowed inside `transaction` only.
 * Reads throw what LMDB throws.
 */
export class BlockStore {
  readonly #path: string;
  readonly #root: RootDatabase;
  readonly #blocks: Database<string, BlockKey>; // JSON of the messages, one per line
  readonly #keys: Database<string, [timeMs: number, turn: number]>; // key records of one turn, time of the newest
  readonly #state: Database<string, string>;
  #turn = 0; // distinguishes turns within one millisecond

  /** Throws a StoreError when the directory holds anything but an intact log of this format. */
  constructor(directory: string) {
    const path = (this.#path = join(directory, "log"));
    try {
      checkFreeSpace(path);
      checkIntegrity(path);
      // eventTurnBatching would batch a second time, and its promises reject where no caller can catch them.
      this.#root = open({ path, maxDbs: Object.keys(DATABASES).length, eventTurnBatching: false });
      this.#blocks = this.#root.openDB({ name: DATABASES.blocks, encoding: "string" });
      this.#keys = this.#root.openDB({ name: DATABASES.keys, encoding: "string" });
      this.#state = this.#root.openDB({ name: DATABASES.state, encoding: "string" });
      const { format = FORMAT } = this.state ?? {};
      if (format !== FORMAT) throw new StoreError(`it has format ${String(format)}`);
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

  putBlock(room: string, firstSequence: number, jsons: readonly string[]): void {
    void this.#blocks.put([room, firstSequence], jsons.join(SEPARATOR));
  }

  /** Removes up to `limit` blocks whose messages all lie before `sequence`. Returns the first sequence left. */
  removeBlocksBefore(room: string, sequence: number, limit: number): number {
    const keys = [...this.#blocks.getKeys({ ...range(room, 0, sequence + 1), limit: limit + 1 })];
    const kept = keys.pop()?.[1] ?? sequence; // the last block may reach beyond `sequence`
    for (const key of keys) void this.#blocks.remove(key);
    return kept;
  }

  removeBlocksFrom(room: string, sequence: number): void {
    const keys = [...this.#blocks.getKeys(range(room, sequence, Infinity))];
    for (const key of keys) void this.#blocks.remove(key);
  }

  /** Returns the first and the last stored sequence; 1 and 0 for an empty room. */
  bounds(room: string): [first: number, last: number] {
    const [oldest] = this.#blocks.getKeys({ ...range(room, 0, Infinity), limit: 1 });
    const [newest] = this.backward(room, Infinity);
    return [oldest?.[1] ?? 1, newest?.sequence ?? 0];
  }

  *forward(room: string, sequence: number): Generator<Sequenced> {
    const [block] = this.#blocks.getKeys({ ...range(room, sequence, 0), reverse: true, limit: 1 });
    const start = block?.[1] ?? sequence; // `sequence` may lie within a block
    for (const { key, value } of this.#blocks.getRange(range(room, start, Infinity))) {
      const jsons = value.split(SEPARATOR);
      for (let i = Math.max(0, sequence - key[1]); i < jsons.length; i += 1)
        yield { sequence: key[1] + i, json: jsons[i] ?? "" };
    }
  }

  /** Yields the messages before `sequence`, newest first. */
  *backward(room: string, sequence: number): Generator<Sequenced> {
    for (const { key, value } of this.#blocks.getRange({ ...range(room, sequence, 0), reverse: true })) {
      const jsons = value.split(SEPARATOR);
      for (let i = Math.min(jsons.length, sequence - key[1]) - 1; i >= 0; i -= 1)
        yield { sequence: key[1] + i, json: jsons[i] ?? "" };
    }
  }

  /** Stores the key records of one turn under the time of the newest, in ms since 1970. */
  putKeys(timeMs: number, records: readonly KeyRecord[]): void {
    this.#turn += 1;
    void this.#keys.put([timeMs, this.#turn], JSON.stringify(records));
  }

  *keyRecords(): Generator<KeyRecord> {
    for (const { value } of this.#keys.getRange()) yield* JSON.parse(value) as KeyRecord[];
  }

  /** Removes the key records of turns before the time, in ms since 1970. */
  removeKeysBefore(timeMs: number): void {
    for (const key of [...this.#keys.getKeys({ end: [timeMs, 0] })]) void this.#keys.remove(key);
  }

  get state(): LogState | undefined {
    const json = this.#state.get("state");
    return json === undefined ? undefined : (JSON.parse(json) as LogState);
  }

  /** Resolves once the state, and everything written before it, is flushed to the disk. */
  async saveState(state: LogState): Promise<void> {
    await this.transaction(() => void this.#state.put("state", JSON.stringify(state)));
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    await this.#root.close();
    markIntact(this.#path);
  }
}

function range(room: string, start: number, end: number): { start: BlockKey; end: BlockKey } {
  return { start: [room, start], end: [room, end] };
}
