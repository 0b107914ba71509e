import type { Redis } from "ioredis";
import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { IDEMPOTENCY_KEY_TTL_MS } from "../../protocol/limits";
import { hashText } from "../idempotencyKeys";
import { KeyReusedError, StoreError } from "../messageLog";
import type { RedisRoom } from "./redisRoom";
import type { AppendReply } from "./redisScripts";

/** An append that is not settled: not stored in Redis, or not delivered on this node. */
interface Append {
  room: RedisRoom;
  message: ChatMessage;
  json: string;
  textHash: number | undefined; // set for idempotent appends
  storeUntilMs: number; // monotonic clock of this node
  timer: NodeJS.Timeout;
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: Error) => void;
}

export interface RedisAppendsDeps {
  redis: Redis;
  maxMessages: number; // kept per room
  onFailure: (error: Error) => void; // Redis refuses an append or does not answer: the log must be opened again
}

const ANSWER_WITHIN_MS = 1_950; // senders are promised 2 s; commands of the connection time out before
const STORE_WITHIN_MS = 1_400; // by the clock of Redis; leaves time to deliver before the sender is refused
const KNOWN_VALUE = /^\d{1,15}\|[^|]+\|\d{4}-[^|]+$/; // sequence, hash of the text, server timestamp
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** Sends the appends of one turn of the event loop to Redis in one write, and settles each within 2 s. */
export class RedisAppends {
  readonly #deps: RedisAppendsDeps;
  readonly #pending = new Set<Append>();
  #turn: Append[] = [];
  #pendingBytes = 0;
  #scriptSha = "";
  #clockLeadMs = 0; // clock of Redis minus the monotonic clock of this node
  #onSettled: (() => void) | undefined;

  constructor(deps: RedisAppendsDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** `sha`: the SHA-1 of APPEND, which Redis has loaded. `redisTimeMs`: the time by the clock of Redis. */
  setScript(sha: string, redisTimeMs: number): void {
    this.#scriptSha = sha;
    this.#clockLeadMs = redisTimeMs - performance.now();
  }

  /** As `MessageLog.append`. Resolves once the message is stored and `room` has announced it. */
  add(room: RedisRoom, message: ChatMessage, idempotent: boolean): Promise<MessageReceipt> {
    if (this.#pendingBytes > MAX_PENDING_BYTES) throw new StoreError("Redis does not keep up");
    const json = JSON.stringify(message);
    const textHash = idempotent ? hashText(message.message) : undefined;
    const storeUntilMs = performance.now() + STORE_WITHIN_MS;
    if (this.#turn.length === 0) setImmediate(() => this.#send());
    this.#pendingBytes += json.length;
    return new Promise((resolve, reject) => {
      // Also for a message that Redis has stored but this node has not delivered: the sender can send it again.
      const expire = () => this.#settle(append, new StoreError("not stored in time"));
      const timer = setTimeout(expire, ANSWER_WITHIN_MS);
      const append: Append = { room, message, json, textHash, storeUntilMs, timer, resolve, reject };
      this.#turn.push(append);
      this.#pending.add(append);
    });
  }

  async settled(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => (this.#onSettled = resolve));
  }

  #send(): void {
    const turn = this.#turn;
    this.#turn = [];
    const pipeline = this.#deps.redis.pipeline();
    for (const append of turn) pipeline.evalsha(this.#scriptSha, ...this.#argumentsOf(append));
    void pipeline.exec((error, replies) => {
      for (const [index, append] of turn.entries()) {
        const [failure, reply] = replies?.[index] ?? [error ?? new Error("no reply")];
        if (failure === null) this.#onReply(append, reply as AppendReply);
        else this.#onError(append, failure);
      }
    });
  }

  #argumentsOf(append: Append): [number, ...(string | number)[]] {
    const { room, message, json, textHash, storeUntilMs } = append;
    const keys = [room.keys.stream, room.keys.meta];
    if (textHash !== undefined) keys.push(room.idempotencyKey(message));
    const deadlineMs = Math.round(storeUntilMs + this.#clockLeadMs);
    const keyValue = `${String(textHash)}|${message.serverTimestamp}`;
    return [keys.length, ...keys, json, this.#deps.maxMessages, deadlineMs, keyValue, IDEMPOTENCY_KEY_TTL_MS];
  }

  #onReply(append: Append, [outcome, value = ""]: AppendReply): void {
    if (outcome === "late") return this.#onError(append, new Error("Redis was too slow"));
    if (outcome === "lost") return this.#onError(append, new Error("Redis lost the log"));
    if (outcome === "known" && !KNOWN_VALUE.test(value))
      return this.#settle(append, new StoreError("another program wrote the idempotency key"));
    const { room, message, textHash } = append;
    const [sequence, hash = String(textHash), serverTimestamp = message.serverTimestamp] = value.split("|");
    if (hash !== String(textHash)) return this.#settle(append, new KeyReusedError());
    room.whenDelivered(Number(sequence), () => {
      const offset = room.offsetOf(Number(sequence));
      this.#settle(append, { uuid: message.uuid, serverTimestamp, offset, duplicate: outcome === "known" });
    });
  }

  #onError(append: Append, error: Error): void {
    this.#settle(append, new StoreError(error.message));
    // WRONGTYPE: another program took the keys of this room. The other rooms still work.
    if (!error.message.startsWith("WRONGTYPE")) this.#deps.onFailure(error);
  }

  #settle(append: Append, result: MessageReceipt | Error): void {
    if (!this.#pending.delete(append)) return;
    clearTimeout(append.timer);
    this.#pendingBytes -= append.json.length;
    if (result instanceof Error) append.reject(result);
    else append.resolve(result);
    if (this.#pending.size === 0) this.#onSettled?.();
  }
}
