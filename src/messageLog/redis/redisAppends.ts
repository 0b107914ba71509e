import type { Redis } from "ioredis";
import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { IDEMPOTENCY_KEY_TTL_MS } from "../../protocol/limits";
import { hashText } from "../idempotencyKeys";
import { KeyReusedError, StoreError } from "../messageLog";
import type { RedisRoom } from "./redisRoom";
import type { AppendReply } from "./redisScripts";

/** A message that Redis has not yet stored, or that this node has not yet delivered. */
interface Append {
  room: RedisRoom;
  message: ChatMessage;
  json: string;
  /** Hash of the text, for idempotent appends. */
  textHash: number | undefined;
  /** Monotonic clock of this node. */
  expiresAtMs: number;
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: Error) => void;
}

export interface RedisAppendsDeps {
  redis: Redis;
  /** Messages kept per room. */
  maxMessages: number;
  /** Called when Redis refuses an append or does not answer: the log must be opened again. */
  onFailure: (error: Error) => void;
}

const ANSWER_WITHIN_MS = 1_900; // senders are promised an answer within 2 s
const STORE_WITHIN_MS = 1_400; // by the clock of Redis; leaves time to deliver before the sender is refused
const EXPIRY_CHECK_INTERVAL_MS = 50;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** Sends the appends of one turn of the event loop to Redis in one write, and settles each within 2 s. */
export class RedisAppends {
  readonly #deps: RedisAppendsDeps;
  readonly #pending = new Set<Append>(); // oldest first
  #turn: Append[] = [];
  #pendingBytes = 0;
  #scriptSha = "";
  #clockLeadMs = 0; // clock of Redis minus the monotonic clock of this node
  #timer: NodeJS.Timeout | undefined;
  #onSettled: (() => void) | undefined;

  constructor(deps: RedisAppendsDeps) {
    this.#deps = deps;
  }

  /** Appends that are not yet settled. */
  get count(): number {
    return this.#pending.size;
  }

  /** `sha`: the SHA-1 of APPEND, which Redis has loaded. `redisTimeMs`: the time by the clock of Redis. */
  setScript(sha: string, redisTimeMs: number): void {
    this.#scriptSha = sha;
    this.#clockLeadMs = redisTimeMs - performance.now();
  }

  /** As `MessageLog.append`. Resolves once the message is stored and `room` has announced it. */
  add(
    room: RedisRoom,
    message: ChatMessage,
    { idempotent }: { idempotent: boolean },
  ): Promise<MessageReceipt> {
    if (this.#pendingBytes > MAX_PENDING_BYTES) throw new StoreError("Redis does not keep up");
    const json = JSON.stringify(message);
    const textHash = idempotent ? hashText(message.message) : undefined;
    const expiresAtMs = performance.now() + ANSWER_WITHIN_MS;
    return new Promise((resolve, reject) => {
      if (this.#turn.length === 0) setImmediate(() => this.#send());
      const append: Append = { room, message, json, textHash, expiresAtMs, resolve, reject };
      this.#turn.push(append);
      this.#pending.add(append);
      this.#pendingBytes += json.length;
      this.#timer ??= setInterval(() => this.#rejectExpired(), EXPIRY_CHECK_INTERVAL_MS);
    });
  }

  /** Resolves when no append is pending. */
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
        const [failure, reply] = replies?.[index] ?? [error ?? new Error("no reply"), null];
        if (failure === null) this.#onReply(append, reply as AppendReply);
        else this.#onError(append, failure);
      }
    });
  }

  #argumentsOf(append: Append): [number, ...(string | number)[]] {
    const { room, message, json, textHash, expiresAtMs } = append;
    const { stream, meta } = room.keys;
    const keys = textHash === undefined ? [stream, meta] : [stream, meta, room.idempotencyKey(message)];
    const deadlineMs = Math.round(expiresAtMs - ANSWER_WITHIN_MS + STORE_WITHIN_MS + this.#clockLeadMs);
    const keyValue = `${String(textHash)}|${message.serverTimestamp}`;
    return [keys.length, ...keys, json, this.#deps.maxMessages, deadlineMs, keyValue, IDEMPOTENCY_KEY_TTL_MS];
  }

  #onReply(append: Append, [outcome, value = ""]: AppendReply): void {
    if (outcome === "late" || outcome === "lost") {
      this.#onError(append, new StoreError(outcome === "late" ? "Redis was too slow" : "Redis lost the log"));
      return;
    }
    const { room, message, textHash } = append;
    const [sequence, storedHash = String(textHash), serverTimestamp = message.serverTimestamp] =
      value.split("|");
    if (storedHash !== String(textHash)) {
      this.#settle(append, () => append.reject(new KeyReusedError()));
      return;
    }
    room.whenDelivered(Number(sequence), () => {
      const offset = room.offsetOf(Number(sequence));
      const receipt = { uuid: message.uuid, serverTimestamp, offset, duplicate: outcome === "known" };
      this.#settle(append, () => append.resolve(receipt));
    });
  }

  #onError(append: Append, error: Error): void {
    this.#settle(append, () => append.reject(new StoreError(error.message)));
    // WRONGTYPE: another program took the keys of this room. The other rooms still work.
    if (!error.message.startsWith("WRONGTYPE")) this.#deps.onFailure(error);
  }

  /** Rejects also what Redis has stored but this node has not delivered: the sender can send it again. */
  #rejectExpired(): void {
    const nowMs = performance.now();
    for (const append of this.#pending) {
      if (append.expiresAtMs > nowMs) break;
      this.#settle(append, () => append.reject(new StoreError("not stored in time")));
    }
  }

  #settle(append: Append, settle: () => void): void {
    if (!this.#pending.delete(append)) return;
    this.#pendingBytes -= append.json.length;
    settle();
    if (this.#pending.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#onSettled?.();
  }
}
