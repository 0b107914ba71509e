import type { ChatMessage } from "../protocol/events";

/** A remembered message, as it is stored: key, sequence, time (ms), hash of the text. */
export type KeyRecord = [key: string, sequence: number, time: number, textHash: number];

/** What an acked message is known by: its sender, its room, its uuid. */
export function keyOf({ username, chatRoom, uuid }: ChatMessage): string {
  return JSON.stringify([chatRoom.name, username, uuid]);
}

/**
 * Tells texts under one key apart; a collision could fool only the sender who chose both texts, so a fast
 * 53-bit hash will do (cyrb53, public domain).
 */
export function hashOf(text: string): number {
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

/** The keys of recent messages, oldest first; forgets by age and by count. */
export class IdempotencyKeys {
  readonly #maxAge: number;
  readonly #maxCount: number;
  /** key → its record, in order of arrival */
  readonly #records = new Map<string, KeyRecord>();

  constructor(maxAge: number, maxCount: number) {
    this.#maxAge = maxAge;
    this.#maxCount = maxCount;
  }

  get(key: string): KeyRecord | undefined {
    return this.#records.get(key);
  }

  add(record: KeyRecord): void {
    this.#records.set(record[0], record);
  }

  /** Forgets what is too old or too much. Returns the time (ms) of the newest forgotten, if there was any. */
  forget(now: number): number | undefined {
    let newestForgotten: number | undefined;
    for (const [key, [, , time]] of this.#records) {
      if (time >= now - this.#maxAge && this.#records.size <= this.#maxCount) break;
      this.#records.delete(key);
      newestForgotten = time;
    }
    return newestForgotten;
  }
}
