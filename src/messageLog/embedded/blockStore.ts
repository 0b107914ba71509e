import { join } from "node:path";
import { open, type Database, type RootDatabase } from "lmdb";
import type { KeyRecord } from "../idempotencyKeys";
import { checkIntegrity, markIntact } from "./integrity";
import { StoreError } from "../messageLog";

export const FORMAT = 1; // of what is stored; a directory of another format is refused
const SEPARATOR = "\n"; // JSON has no raw newline

/** What the log knows about its own life. */
export interface LogState {
  format: number;
  epoch: string;
  /** The last stop was an orderly one: everything was written and flushed. */
  isClean: boolean;
  /** Which boot of the machine wrote last; undefined where the system does not tell. */
  bootId: string | undefined;
}

/** A message and its place in the room, counted from 1. */
export interface Sequenced {
  sequence: number;
  json: string;
}

/**
 * The log's LMDB environment. Messages of one room stored in one turn of the event loop share a record, a
 * block, under [room, sequence of its first]: writing it costs the same for one message and for hundreds.
 */
export class BlockStore {
  readonly #path: string;
  readonly #root: RootDatabase;
  /** [room, first sequence] → JSON of the messages, one a line */
  readonly #blocks: Database<string, [string, number]>;
  /** [time of the newest in ms, number of the turn] → key records of one turn */
  readonly #keys: Database<string, [number, number]>;
  readonly #state: Database<string, string>;
  #turn = 0; // tells apart what was stored within one millisecond

  /** Throws a StoreError when the directory holds something else than an intact log. */
  constructor(directory: string) {
    const path = join(directory, "log");
    this.#path = path;
    try {
      checkIntegrity(path);
      // eventTurnBatching: the log batches by itself, and lmdb's way rejects promises that nobody can catch.
      this.#root = open({ path, maxDbs: 3, eventTurnBatching: false });
      this.#blocks = this.#root.openDB({ name: "blocks", encoding: "string" });
      this.#keys = this.#root.openDB({ name: "keys", encoding: "string" });
      this.#state = this.#root.openDB({ name: "state", encoding: "string" });
      this.#verifyFormat();
    } catch (error) {
      throw new StoreError(`${path} cannot be opened: ${(error as Error).message}`);
    }
  }

  /** All writes made inside share one transaction. Resolves when it is committed, else rejects with a StoreError. */
  async transaction(write: () => void): Promise<void> {
    try {
      await this.#root.batch(write);
    } catch (error) {
      // lmdb rejects this second promise as well, and nobody else would look at it.
      (error as { commitError?: Promise<never> }).commitError?.catch(() => undefined);
      throw new StoreError(`the store cannot be written: ${(error as Error).message}`);
    }
  }

  putBlock(room: string, firstSequence: number, jsons: readonly string[]): void {
    void this.#blocks.put([room, firstSequence], jsons.join(SEPARATOR));
  }

  /** Removes up to `limit` blocks that hold no message from `sequence` on. Returns the first sequence left. */
  removeBlocksBefore(room: string, sequence: number, limit: number): number {
    const range = { start: [room, 0] as [string, number], end: [room, sequence + 1] as [string, number] };
    const starts = [...this.#blocks.getKeys({ ...range, limit: limit + 1 })].map(([, first]) => first);
    const kept = starts.pop() ?? sequence; // the last one may reach beyond `sequence`
    for (const first of starts) void this.#blocks.remove([room, first]);
    return kept;
  }

  removeBlocksFrom(room: string, sequence: number): void {
    const keys = [...this.#blocks.getKeys({ start: [room, sequence], end: [room, Infinity] })];
    for (const key of keys) void this.#blocks.remove(key);
  }

  /** First sequence kept, and the one after the last; both 1 for an empty room. */
  bounds(room: string): { first: number; next: number } {
    const [oldest] = this.#blocks.getKeys({ start: [room, 0], end: [room, Infinity], limit: 1 });
    if (oldest === undefined) return { first: 1, next: 1 };
    const [newest] = this.backward(room, Infinity);
    return { first: oldest[1], next: (newest?.sequence ?? 0) + 1 };
  }

  /** Messages from `sequence` on, in order. */
  *forward(room: string, sequence: number): Generator<Sequenced> {
    const start = this.#blockStart(room, sequence);
    for (const { key, value } of this.#blocks.getRange({ start: [room, start], end: [room, Infinity] })) {
      for (const [index, json] of value.split(SEPARATOR).entries()) {
        if (key[1] + index >= sequence) yield { sequence: key[1] + index, json };
      }
    }
  }

  /** Messages before `sequence`, newest first. */
  *backward(room: string, sequence: number): Generator<Sequenced> {
    const range = {
      start: [room, sequence] as [string, number],
      end: [room, 0] as [string, number],
      reverse: true,
    };
    for (const { key, value } of this.#blocks.getRange(range)) {
      const jsons = value.split(SEPARATOR);
      for (let index = jsons.length - 1; index >= 0; index -= 1) {
        const json = jsons[index];
        if (json !== undefined && key[1] + index < sequence) yield { sequence: key[1] + index, json };
      }
    }
  }

  putKeys(time: number, records: readonly KeyRecord[]): void {
    this.#turn += 1;
    void this.#keys.put([time, this.#turn], JSON.stringify(records));
  }

  *keyRecords(): Generator<KeyRecord> {
    for (const { value } of this.#keys.getRange()) yield* JSON.parse(value) as KeyRecord[];
  }

  removeKeysBefore(time: number): void {
    for (const key of [...this.#keys.getKeys({ end: [time, 0] })]) void this.#keys.remove(key);
  }

  get state(): LogState | undefined {
    const json = this.#state.get("state");
    return json === undefined ? undefined : (JSON.parse(json) as LogState);
  }

  /** Resolves once it, and everything before, is on the disk. */
  async saveState(state: LogState): Promise<void> {
    await this.transaction(() => void this.#state.put("state", JSON.stringify(state)));
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    await this.#root.close();
    markIntact(this.#path);
  }

  /** Where the block begins that `sequence` lies in. */
  #blockStart(room: string, sequence: number): number {
    const [block] = this.#blocks.getKeys({
      start: [room, sequence],
      end: [room, 0],
      reverse: true,
      limit: 1,
    });
    return block?.[1] ?? sequence;
  }

  #verifyFormat(): void {
    const format = this.state?.format;
    if (format !== undefined && format !== FORMAT) throw new StoreError(`it has format ${String(format)}`);
  }
}
