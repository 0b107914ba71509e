import type { ClientEventLog } from "../../observability/logger";
import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { IDEMPOTENCY_KEY_TTL_MS } from "../../protocol/limits";
import { BlockStore } from "./blockStore";
import { lockDirectory } from "./directoryLock";
import { openEpoch, saveState } from "./epoch";
import { hashText, keyOf, removeExpired, type KeyRecord, type KeyRecords } from "../idempotencyKeys";
import { KeyReusedError, StoreError, type Deliver, type MessageLog } from "../messageLog";
import type { Page, PageRequest } from "../messageLog";
import type { Epoch } from "../offset";
import { RoomLog } from "./roomLog";
import { StorePause } from "./storePause";

export interface EmbeddedMessageLogOptions {
  directory: string; // created if it is missing; only one process at a time can use it
  maxMessages: number; // kept per room
  log?: ClientEventLog; // for damage found in the stored data; default: it is not logged
}

/** A message that waits for its commit. */
interface Append {
  room: RoomLog;
  sequence: number;
  message: ChatMessage;
  json: string;
  keyRecord: KeyRecord | undefined; // set for idempotent appends
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: Error) => void;
}

const MAX_KEYS = 200_000; // about 42 MB of heap; a service with more acked messages in 10 minutes needs Redis
const MAX_PENDING_BYTES = 64 * 1024 * 1024; // appended but not committed; above it the disk is too slow

/**
 * The log of one process, in LMDB: nothing to install, and it survives kill -9. The messages of one turn of the
 * event loop share a transaction. Transactions overlap with the next turns. Messages are delivered and acked in
 * order, after the commit of their transaction.
 */
export class EmbeddedMessageLog implements MessageLog {
  readonly #options: EmbeddedMessageLogOptions;
  readonly #rooms = new Map<string, RoomLog>();
  readonly #keys: KeyRecords = new Map();
  readonly #storing = new Map<string, { textHash: number; receipt: Promise<MessageReceipt> }>(); // by key
  readonly #commits = new Set<Promise<void>>();
  readonly #pause = new StorePause({
    isWriting: () => this.#commits.size > 0 || this.#batch.length > 0,
    rollBack: () => this.#rooms.forEach((room) => room.rollBack()),
  });
  #store!: BlockStore;
  #unlock!: () => Promise<void>;
  #epoch: Epoch = "";
  #deliver: Deliver = () => undefined;
  #batch: Append[] = []; // of this turn of the event loop
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
    const { directory, log } = this.#options;
    this.#deliver = deliver;
    this.#unlock = await lockDirectory(directory);
    try {
      this.#store = new BlockStore(directory, log);
      this.#epoch = await openEpoch(this.#store, log);
      for (const record of this.#store.keyRecords()) this.#keys.set(record[0], record);
      this.#isStopped = false;
    } catch (error) {
      await this.#unlock();
      if (error instanceof StoreError) throw error;
      throw new StoreError(`${directory} cannot be read: ${(error as Error).message}`, { cause: error });
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
    if (first !== undefined && first.textHash !== textHash) throw new KeyReusedError();
    if (first !== undefined) return { ...(await first.receipt), duplicate: true };
    const receipt = this.#enqueue(message, { key, textHash });
    this.#storing.set(key, { textHash, receipt });
    return receipt.finally(() => this.#storing.delete(key));
  }

  async read(room: string, request: PageRequest): Promise<Page> {
    if (this.#isStopped) throw new StoreError("the log is closed");
    return this.#room(room).read(request);
  }

  head(name: string): string {
    const room = this.#room(name);
    return room.offsetOf(room.head);
  }

  distance(name: string, offset: string): number | undefined {
    return this.#room(name).distance(offset);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#commitBatch();
    this.#isStopped = true;
    await Promise.allSettled(this.#commits);
    try {
      await saveState(this.#store, this.#epoch, { isClean: true });
      await this.#store.close(); // not after a failed write: lmdb would never finish closing
    } finally {
      // If the store was not closed, the next process that opens it checks it as after a crash.
      await this.#unlock();
    }
  }

  #duplicate({ uuid, chatRoom }: ChatMessage, known: KeyRecord, textHash: number): MessageReceipt {
    const [, sequence, timeMs, knownTextHash] = known;
    if (knownTextHash !== textHash) throw new KeyReusedError();
    const offset = this.#room(chatRoom.name).offsetOf(sequence);
    return { uuid, serverTimestamp: new Date(timeMs).toISOString(), offset, duplicate: true };
  }

  #enqueue(message: ChatMessage, id?: { key: string; textHash: number }): Promise<MessageReceipt> {
    this.#pause.beginAppend();
    if (this.#pendingBytes > MAX_PENDING_BYTES) throw new StoreError("the disk does not keep up");
    const json = JSON.stringify(message);
    this.#pendingBytes += json.length;
    const room = this.#room(message.chatRoom.name);
    const sequence = room.add(json);
    const keyRecord: KeyRecord | undefined = id && [
      id.key,
      sequence,
      Date.parse(message.serverTimestamp),
      id.textHash,
    ];
    if (this.#batch.length === 0) setImmediate(() => this.#commitBatch());
    return new Promise((resolve, reject) => {
      this.#batch.push({ room, sequence, message, json, keyRecord, resolve, reject });
    });
  }

  #commitBatch(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    const rooms = new Set<RoomLog>();
    const keyRecords: KeyRecord[] = [];
    for (const { room, keyRecord } of batch) {
      rooms.add(room);
      if (keyRecord !== undefined) keyRecords.push(keyRecord);
    }
    const committed = this.#store.transaction(() => {
      for (const room of rooms) room.write();
      const newestKey = keyRecords.at(-1);
      if (newestKey !== undefined) this.#store.putKeys(newestKey[2], keyRecords);
      const expiredMs = removeExpired(this.#keys, Date.now() - IDEMPOTENCY_KEY_TTL_MS, MAX_KEYS);
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
  #onCommitted(batch: readonly Append[]): void {
    const isMoreComing = this.#commits.size > 1; // this commit is still in the set
    for (const { room, sequence, json, keyRecord } of batch) {
      this.#pendingBytes -= json.length;
      if (keyRecord !== undefined) this.#keys.set(keyRecord[0], keyRecord);
      room.head = sequence;
      this.#deliver({ room: room.name, offset: room.offsetOf(sequence), json }, isMoreComing);
    }
    for (const { room, sequence, message, resolve } of batch) {
      const { uuid, serverTimestamp } = message;
      resolve({ uuid, serverTimestamp, offset: room.offsetOf(sequence), duplicate: false });
    }
  }

  #onFailed(batch: readonly Append[], error: Error): void {
    this.#pause.onFailedWrite();
    for (const { json, reject } of batch) {
      this.#pendingBytes -= json.length;
      reject(error);
    }
  }

  #room(name: string): RoomLog {
    let room = this.#rooms.get(name);
    room ??= new RoomLog(name, this.#store, this.#epoch, this.#options.maxMessages);
    this.#rooms.set(name, room);
    return room;
  }
}
