import type { ChatMessage } from "../protocol/events";

/** What is stored for an idempotency key. */
export type KeyRecord = [key: string, sequence: number, timeMs: number, textHash: number];

/** Returns the idempotency key of a message: its room, sender and uuid. */
export function keyOf({ username, chatRoom, uuid }: ChatMessage): string {
  return JSON.stringify([chatRoom.name, username, uuid]);
}

/**
 * Distinguishes the texts sent under one key: cyrb53, a fast 53-bit hash in the public domain. Only the sender, who
 * chooses both texts, could profit from a collision. The values are stored, and nodes of different versions
 * compare them during a rolling upgrade: with another hash a repeated message would be refused as a reused key.
 */
export function hashText(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}

/** The keys of recent messages. Forgets keys by age and by count. */
export class IdempotencyKeys {
  readonly #maxAgeMs: number;
  readonly #maxCount: number;
  /** key → its record, oldest first */
  readonly #records = new Map<string, KeyRecord>();

  constructor(maxAgeMs: number, maxCount: number) {
    this.#maxAgeMs = maxAgeMs;
    this.#maxCount = maxCount;
  }

  get(key: string): KeyRecord | undefined {
    return this.#records.get(key);
  }

  add(record: KeyRecord): void {
    this.#records.set(record[0], record);
  }

  /** Removes keys beyond the maximum age or count. Returns the time (ms) of the newest removed key, if any. */
  removeExpired(nowMs: number): number | undefined {
    let newestMs: number | undefined;
    for (const [key, [, , timeMs]] of this.#records) {
      if (timeMs >= nowMs - this.#maxAgeMs && this.#records.size <= this.#maxCount) break;
      this.#records.delete(key);
      newestMs = timeMs;
    }
    return newestMs;
  }
}
