import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { IDEMPOTENCY_KEY_TTL_MS } from "../../protocol/limits";
import { BlockStore, FORMAT, type LogState } from "./blockStore";
import { bootId } from "./bootId";
import { DirectoryLock } from "./directoryLock";
import { hashText, IdempotencyKeys, keyOf, type KeyRecord } from "../idempotencyKeys";
import {
  KeyReusedError,
  StoreError,
  type Deliver,
  type MessageLog,
  type Page,
  type PageRequest,
} from "../messageLog";
import { newEpoch, type Epoch } from "../offset";
import { RoomLog } from "./roomLog";
import { StorePause } from "./storePause";
import { TurnBatch } from "./turnBatch";

export interface EmbeddedMessageLogOptions {
  /** Created if it is missing. Only one process at a time can use it. */
  directory: string;
  /** Messages kept per room. */
  maxMessages: number;
}

const MAX_KEYS = 200_000; // about 40 MB; a service with more acked messages in 10 minutes needs Redis
const MAX_PENDING_BYTES = 64 * 1024 * 1024; // appended but not committed; above it the disk is too slow

/**
 * The log of one process, in LMDB: nothing to install, and it survives kill -9. The messages of one turn of the
 * event loop share a transaction. Transactions overlap with the next turns. Messages are delivered and acked in
 * order, after the commit of their transaction.
 */
export class EmbeddedMessageLog implements MessageLog {
  readonly #options: EmbeddedMessageLogOptions;
  readonly #rooms = new Map<string, RoomLog>();
  readonly #keys = new IdempotencyKeys(IDEMPOTENCY_KEY_TTL_MS, MAX_KEYS);
  /** key → the first append under it, while it is being stored */
  readonly #storing = new Map<string, { textHash: number; receipt: Promise<MessageReceipt> }>();
  readonly #commits = new Set<Promise<void>>();
  readonly #pause = new StorePause({
    isWriting: () => this.#commits.size > 0 || this.#batch !== undefined,
    rollBack: () => this.#rooms.forEach((room) => room.rollBack()),
  });
  #store!: BlockStore;
  #lock!: DirectoryLock;
  #epoch: Epoch = "";
  #deliver: Deliver = () => undefined;
  #batch: TurnBatch | undefined;
  #pendingBytes = 0;
  #isStopped = true;

  constructor(options: EmbeddedMessageLogOptions) {
    this.#options = options;
  }

  get failure(): string | undefined {
    if (this.#isStopped) return "not open";
    return this.#pause.isActive ? StorePause.REASON : undefined;
  }

  /** Rejects with a StoreError when another process uses the directory, or its data is damaged. */
  async start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver;
    this.#lock = await DirectoryLock.acquire(this.#options.directory);
    try {
      this.#store = new BlockStore(this.#options.directory);
      await this.#openEpoch();
      for (const record of this.#store.keyRecords()) this.#keys.add(record);
      this.#isStopped = false;
    } catch (error) {
      await this.#lock.release();
      throw error;
    }
  }

  async append(message: ChatMessage, { idempotent }: { idempotent: boolean }): Promise<MessageReceipt> {
    if (this.#isStopped) throw new StoreError("the log is closed");
    if (!idempotent) return this.#enqueue(message);
    const key = keyOf(message);
    const textHash = hashText(message.message);
    const known = this.#keys.get(key);
    if (known !== undefined) return this.#duplicate(message, known, textHash);
    const first = this.#storing.get(key);
    if (first === undefined) return this.#storeFirst(message, key, textHash);
    if (first.textHash !== textHash) throw new KeyReusedError();
    return { ...(await first.receipt), duplicate: true };
  }

  async read(room: string, request: PageRequest): Promise<Page> {
    if (this.#isStopped) throw new StoreError("the log is closed");
    return this.#room(room).read(request);
  }

  head(name: string): string {
    const room = this.#room(name);
    return room.offsetOf(room.head);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#commitBatch();
    this.#isStopped = true;
    await Promise.allSettled(this.#commits);
    try {
      await this.#store.saveState(this.#state(true));
      await this.#store.close(); // not after a failed write: lmdb would never finish closing
    } finally {
      // If the store was not closed, the next process that opens it checks it as after a crash.
      await this.#lock.release();
    }
  }

  #duplicate(message: ChatMessage, known: KeyRecord, textHash: number): MessageReceipt {
    const [, sequence, timeMs, knownTextHash] = known;
    if (knownTextHash !== textHash) throw new KeyReusedError();
    return {
      uuid: message.uuid,
      serverTimestamp: new Date(timeMs).toISOString(),
      offset: this.#room(message.chatRoom.name).offsetOf(sequence),
      duplicate: true,
    };
  }

  async #storeFirst(message: ChatMessage, key: string, textHash: number): Promise<MessageReceipt> {
    const receipt = this.#enqueue(message, { key, textHash });
    this.#storing.set(key, { textHash, receipt });
    try {
      return await receipt;
    } finally {
      this.#storing.delete(key);
    }
  }

  #enqueue(message: ChatMessage, id?: { key: string; textHash: number }): Promise<MessageReceipt> {
    this.#pause.throwIfActive();
    if (this.#pendingBytes > MAX_PENDING_BYTES) throw new StoreError("the disk does not keep up");
    const json = JSON.stringify(message);
    this.#pendingBytes += json.length;
    const room = this.#room(message.chatRoom.name);
    const sequence = room.takeSequence();
    const keyRecord: KeyRecord | undefined = id && [
      id.key,
      sequence,
      Date.parse(message.serverTimestamp),
      id.textHash,
    ];
    return new Promise((resolve, reject) => {
      if (this.#batch === undefined) {
        this.#batch = new TurnBatch();
        setImmediate(() => this.#commitBatch());
      }
      this.#batch.add({ room, sequence, message, json, keyRecord, resolve, reject });
    });
  }

  #commitBatch(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const committed = this.#store.transaction(() => {
      for (const [room, { firstSequence, jsons }] of batch.rooms) room.write(firstSequence, jsons);
      const newestKey = batch.keyRecords.at(-1);
      if (newestKey !== undefined) this.#store.putKeys(newestKey[2], batch.keyRecords);
      const expiredMs = this.#keys.removeExpired(Date.now());
      if (expiredMs !== undefined) this.#store.removeKeysBefore(expiredMs);
    });
    const settled = committed.then(
      () => this.#onCommitted(batch),
      (error: Error) => this.#onFailed(batch, error),
    );
    this.#commits.add(settled);
    void settled.finally(() => this.#commits.delete(settled));
  }

  /** Commits finish in the order in which they began, so each room is delivered in order. */
  #onCommitted({ appends }: TurnBatch): void {
    const isMoreComing = this.#commits.size > 1; // this commit is still in the set
    for (const { room, sequence, json, keyRecord } of appends) {
      this.#pendingBytes -= json.length;
      if (keyRecord !== undefined) this.#keys.add(keyRecord);
      room.head = sequence;
      this.#deliver({ room: room.name, offset: room.offsetOf(sequence), json }, isMoreComing);
    }
    for (const { room, sequence, message, resolve } of appends) {
      const { uuid, serverTimestamp } = message;
      resolve({ uuid, serverTimestamp, offset: room.offsetOf(sequence), duplicate: false });
    }
  }

  #onFailed({ appends }: TurnBatch, error: Error): void {
    this.#pause.onFailedWrite();
    for (const { json, reject } of appends) {
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
   * LMDB keeps every commit when the process crashes. When the machine crashes, commits that were not flushed are
   * lost and their sequences are given out again: then a new epoch begins.
   */
  async #openEpoch(): Promise<void> {
    const state = this.#store.state;
    const isIntact =
      state !== undefined && (state.isClean || (state.bootId !== undefined && state.bootId === bootId()));
    this.#epoch = isIntact ? state.epoch : newEpoch();
    await this.#store.saveState(this.#state(false));
  }

  #state(isClean: boolean): LogState {
    return { format: FORMAT, epoch: this.#epoch, isClean, bootId: bootId() };
  }
}
