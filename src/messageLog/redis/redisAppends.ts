import { IDEMPOTENCY_KEY_TTL_MS } from "../../protocol/limits";
import type { Redis } from "ioredis";
import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import { hashText } from "../idempotencyKeys";
import { KeyReusedError, StoreError } from "../messageLog";
import type { RedisRoom } from "./redisRoom";

/** A message on its way to Redis and back. */
interface Append {
  room: RedisRoom;
  message: ChatMessage;
  json: string;
  /** Hash of the text, for messages that are stored once for their key. */
  textHash: number | undefined;
  /** By the node's monotonic clock, ms. */
  expires: number;
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: Error) => void;
}

export interface RedisAppendsOptions {
  redis: Redis;
  /** Messages kept per room. */
  maxMessages: number;
  /** Called when Redis refuses or does not answer: nothing more is worth trying for now. */
  onFailure: (error: Error) => void;
}

const STORE_WITHIN = 1_400; // ms, by the clock of Redis: later it must not store what was given up
const GIVE_UP_AFTER = 1_900; // ms; senders have been promised an answer within 2 s
const LOOK_AGAIN = 50; // ms
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

type Reply = ["stored" | "known", string] | ["late" | "lost"];

/** Sends messages to Redis, those of one turn of the event loop in one write, and settles each within 2 s. */
export class RedisAppends {
  readonly #options: RedisAppendsOptions;
  readonly #pending = new Set<Append>(); // oldest first
  #turn: Append[] = [];
  #pendingBytes = 0;
  #script = "";
  #clockLead = 0; // ms that the clock of Redis is ahead of this node's monotonic one
  #timer: NodeJS.Timeout | undefined;
  #onSettled: (() => void) | undefined;

  constructor(options: RedisAppendsOptions) {
    this.#options = options;
  }

  /** Messages that are not yet settled. */
  get count(): number {
    return this.#pending.size;
  }

  /** `script`: the SHA-1 by which Redis knows APPEND. `redisTime`: its clock just now, ms. */
  opened(script: string, redisTime: number): void {
    this.#script = script;
    this.#clockLead = redisTime - performance.now();
  }

  /** Resolves once the message is stored and `room` has announced it. Rejects as `MessageLog.append` does. */
  add(
    room: RedisRoom,
    message: ChatMessage,
    { idempotent }: { idempotent: boolean },
  ): Promise<MessageReceipt> {
    if (this.#pendingBytes > MAX_PENDING_BYTES) throw new StoreError("Redis does not keep up");
    const json = JSON.stringify(message);
    const textHash = idempotent ? hashText(message.message) : undefined;
    const expires = performance.now() + GIVE_UP_AFTER;
    return new Promise((resolve, reject) => {
      if (this.#turn.length === 0) setImmediate(() => this.#send());
      const append: Append = { room, message, json, textHash, expires, resolve, reject };
      this.#turn.push(append);
      this.#pending.add(append);
      this.#pendingBytes += json.length;
      this.#timer ??= setInterval(() => this.#giveUp(), LOOK_AGAIN);
    });
  }

  /** Resolves when nothing is pending any more. */
  async settled(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => (this.#onSettled = resolve));
  }

  #send(): void {
    const turn = this.#turn;
    this.#turn = [];
    const pipeline = this.#options.redis.pipeline();
    for (const append of turn) pipeline.evalsha(this.#script, ...this.#argumentsOf(append));
    void pipeline.exec((error, replies) => {
      for (const [index, append] of turn.entries()) {
        const [failure, reply] = replies?.[index] ?? [error ?? new Error("no reply"), null];
        if (failure === null) this.#onReply(append, reply as Reply);
        else this.#onError(append, failure);
      }
    });
  }

  #argumentsOf({ room, message, json, textHash, expires }: Append): [number, ...(string | number)[]] {
    const { stream, meta } = room.keys;
    const keys = textHash === undefined ? [stream, meta] : [stream, meta, room.idempotencyKey(message)];
    const tooLate = expires - GIVE_UP_AFTER + STORE_WITHIN + this.#clockLead;
    const memory = `${String(textHash)}|${message.serverTimestamp}`;
    return [
      keys.length,
      ...keys,
      json,
      this.#options.maxMessages,
      Math.round(tooLate),
      memory,
      IDEMPOTENCY_KEY_TTL_MS,
    ];
  }

  #onReply(append: Append, [outcome, what = ""]: Reply): void {
    if (outcome === "late" || outcome === "lost") {
      this.#onError(append, new StoreError(outcome === "late" ? "Redis was too slow" : "Redis lost the log"));
      return;
    }
    const { room, message, textHash } = append;
    const [sequence, itsHash = String(textHash), serverTimestamp = message.serverTimestamp] = what.split("|");
    if (itsHash !== String(textHash)) {
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
    // Somebody put something else in the room's place: that says nothing about the other rooms.
    if (!error.message.startsWith("WRONGTYPE")) this.#options.onFailure(error);
  }

  /** What was stored and not yet heard back, too: its sender cannot wait longer, and may ask again. */
  #giveUp(): void {
    const now = performance.now();
    for (const append of this.#pending) {
      if (append.expires > now) break;
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
