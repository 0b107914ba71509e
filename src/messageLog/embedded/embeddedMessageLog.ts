import type { ChatMessage } from "../../protocol/events";
import { IDEMPOTENCY_KEY_TTL_MS } from "../../protocol/limits";
import { BlockStore, FORMAT, type LogState } from "./blockStore";
import { bootId } from "./bootId";
import { DirectoryLock } from "./directoryLock";
import { hashOf, IdempotencyKeys, keyOf, type KeyRecord } from "../idempotencyKeys";
import {
  KeyReusedError,
  StoreError,
  type MessageLog,
  type Page,
  type PageRequest,
  type Receipt,
  type Deliver,
} from "../messageLog";
import { newEpoch, type Epoch } from "../offset";
import { RoomLog } from "./roomLog";
import { TurnBatch, type PendingAppend } from "./turnBatch";

export interface EmbeddedMessageLogOptions {
  /** Made when it is missing; one process at a time. */
  directory: string;
  /** Messages kept per room. */
  maxMessages: number;
}

const KEY_MAX_COUNT = 200_000; // some 40 MB; a service that gets more acked messages in 10 minutes needs Redis
const PAUSE_AFTER_FAILURE = 500; // ms until the store is tried again; a full disk does not empty in less
const JUST_FAILED = "the store has just failed";
const MAX_PENDING_BYTES = 64 * 1024 * 1024; // appended and not yet on the disk; past it the disk is too slow

/**
 * The log of one process, in LMDB: nothing to install, survives kill -9. All messages of one turn of the event
 * loop share a transaction, transactions overlap with the next turns, and messages are delivered and acked in
 * order once theirs is committed.
 */
export class EmbeddedMessageLog implements MessageLog {
  readonly #options: EmbeddedMessageLogOptions;
  readonly #rooms = new Map<string, RoomLog>();
  readonly #keys = new IdempotencyKeys(IDEMPOTENCY_KEY_TTL_MS, KEY_MAX_COUNT);
  /** key → the first append under it, while it is being stored */
  readonly #storing = new Map<string, { textHash: number; receipt: Promise<Receipt> }>();
  readonly #commits = new Set<Promise<void>>();
  #store!: BlockStore;
  #lock!: DirectoryLock;
  #epoch: Epoch = "";
  #deliver: Deliver = () => undefined;
  #batch: TurnBatch | undefined;
  #pendingBytes = 0;
  #failedAt: number | undefined; // ms; set from a failure until the store is tried again
  #isStopped = true;

  constructor(options: EmbeddedMessageLogOptions) {
    this.#options = options;
  }

  get failure(): string | undefined {
    if (this.#isStopped) return "not open";
    return this.#isPausing() ? JUST_FAILED : undefined;
  }

  async start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver;
    this.#lock = await DirectoryLock.acquire(this.#options.directory);
    try {
      this.#store = new BlockStore(this.#options.directory);
      this.#epoch = await this.#openEpoch();
      for (const record of this.#store.keyRecords()) this.#keys.add(record);
      this.#isStopped = false;
    } catch (error) {
      await this.#lock.release();
      throw error;
    }
  }

  async append(message: ChatMessage, { idempotent }: { idempotent: boolean }): Promise<Receipt> {
    if (this.#isStopped) throw new StoreError("the log is closed");
    if (!idempotent) return this.#enqueue(message, undefined);
    const key = keyOf(message);
    const textHash = hashOf(message.message);
    const known = this.#keys.get(key);
    if (known !== undefined) return this.#duplicate(message, known, textHash);
    const first = this.#storing.get(key);
    if (first === undefined) return this.#storeFirst(message, key, textHash);
    if (first.textHash !== textHash) throw new KeyReusedError();
    return { ...(await first.receipt), duplicate: true };
  }

  // Async for the interface's sake: other logs must ask somebody.
  async read(room: string, request: PageRequest): Promise<Page> {
    if (this.#isStopped) throw new StoreError("the log is closed");
    return this.#room(room).read(request);
  }

  head(room: string): string {
    const log = this.#room(room);
    return log.offsetOf(log.delivered);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#commitBatch();
    this.#isStopped = true;
    await Promise.allSettled(this.#commits);
    try {
      await this.#store.saveState(this.#state(true));
      await this.#store.close(); // after a write that failed lmdb would wait for ever
    } finally {
      // The next to open the directory takes what was not closed for crashed, and looks at it.
      await this.#lock.release();
    }
  }

  #duplicate(message: ChatMessage, [, sequence, time, textHash]: KeyRecord, itsTextHash: number): Receipt {
    if (textHash !== itsTextHash) throw new KeyReusedError();
    const serverTimestamp = new Date(time).toISOString();
    return {
      uuid: message.uuid,
      serverTimestamp,
      offset: this.#room(message.chatRoom.name).offsetOf(sequence),
      duplicate: true,
    };
  }

  async #storeFirst(message: ChatMessage, key: string, textHash: number): Promise<Receipt> {
    const receipt = this.#enqueue(message, { key, textHash });
    this.#storing.set(key, { textHash, receipt });
    try {
      return await receipt;
    } finally {
      this.#storing.delete(key);
    }
  }

  #enqueue(message: ChatMessage, key: PendingAppend["key"]): Promise<Receipt> {
    this.#recover();
    if (this.#pendingBytes > MAX_PENDING_BYTES) throw new StoreError("the disk does not keep up");
    const json = JSON.stringify(message);
    this.#pendingBytes += json.length;
    const room = this.#room(message.chatRoom.name);
    return new Promise((resolve, reject) => {
      if (this.#batch === undefined) {
        this.#batch = new TurnBatch();
        setImmediate(() => this.#commitBatch());
      }
      this.#batch.add({ room, sequence: room.takeSequence(), message, json, key, resolve, reject });
    });
  }

  /** After a failure: throws until the store may be tried again and nothing of before is under way. */
  #recover(): void {
    if (this.#failedAt === undefined) return;
    if (this.#isPausing()) throw new StoreError(JUST_FAILED);
    this.#failedAt = undefined;
    for (const room of this.#rooms.values()) room.forgetUnstored();
  }

  #isPausing(): boolean {
    if (this.#failedAt === undefined) return false;
    return this.#commits.size > 0 || performance.now() - this.#failedAt < PAUSE_AFTER_FAILURE;
  }

  #commitBatch(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const committed = this.#store.transaction(() => {
      for (const [room, entries] of batch.rooms) {
        room.removeUnstored();
        this.#store.putBlock(room.name, entries[0]?.sequence ?? 0, entries.map(({ json }) => json)); // prettier-ignore
        room.trim();
      }
      const records = batch.keyRecords();
      if (records.length > 0) this.#store.putKeys(records.at(-1)?.[2] ?? 0, records);
      const forgotten = this.#keys.forget(Date.now());
      if (forgotten !== undefined) this.#store.removeKeysBefore(forgotten);
    });
    const settled = committed.then(
      () => this.#onCommitted(batch),
      (error: Error) => this.#onFailed(batch, error),
    );
    this.#commits.add(settled);
    void settled.finally(() => this.#commits.delete(settled));
  }

  /** Commits finish in the order in which they began, so rooms are delivered in order. */
  #onCommitted({ entries }: TurnBatch): void {
    const isMoreComing = this.#commits.size > 1; // this one is still among them
    for (const { room, sequence, message, json, key } of entries) {
      this.#pendingBytes -= json.length;
      if (key !== undefined)
        this.#keys.add([key.key, sequence, Date.parse(message.serverTimestamp), key.textHash]);
      room.delivered = sequence;
      this.#deliver({ room: room.name, offset: room.offsetOf(sequence), json }, isMoreComing);
    }
    for (const { room, sequence, message, resolve } of entries) {
      const { uuid, serverTimestamp } = message;
      resolve({ uuid, serverTimestamp, offset: room.offsetOf(sequence), duplicate: false });
    }
  }

  /** A later batch may already be on its way with the next sequences, so they are put right afterwards. */
  #onFailed({ entries }: TurnBatch, error: Error): void {
    this.#failedAt = performance.now();
    for (const { json, reject } of entries) {
      this.#pendingBytes -= json.length;
      reject(error);
    }
  }

  #room(name: string): RoomLog {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new RoomLog(name, this.#store, this.#epoch, this.#options.maxMessages);
    this.#rooms.set(name, room);
    return room;
  }

  /**
   * LMDB keeps every commit through a crash of the process. A crash of the machine takes those back that were
   * not yet flushed; then positions would be given out twice, so they get a new epoch.
   */
  async #openEpoch(): Promise<Epoch> {
    const state = this.#store.state;
    const isIntact =
      state !== undefined && (state.isClean || (state.bootId !== undefined && state.bootId === bootId()));
    this.#epoch = isIntact ? state.epoch : newEpoch();
    await this.#store.saveState(this.#state(false));
    return this.#epoch;
  }

  #state(isClean: boolean): LogState {
    return { format: FORMAT, epoch: this.#epoch, isClean, bootId: bootId() };
  }
}
