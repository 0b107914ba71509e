import { hash } from "node:crypto";
import type { ChatMessage } from "../protocol/events";

/** What is stored for an idempotency key: a hash of room, sender and uuid of a message. */
export type KeyRecord = [key: string, sequence: number, timeMs: number, textHash: number];
export type KeyRecords = Map<string, KeyRecord>; // by key, oldest first

export function keyOf({ username, chatRoom, uuid }: ChatMessage): string {
  return hashKey(JSON.stringify([chatRoom.name, username, uuid]));
}

/** Returns 43 characters for a key of any length, so that long names take no more memory than short ones. */
export function hashKey(key: string): string {
  return hash("sha256", key, "base64url");
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

/** Removes records before the time or above the count, oldest first. Returns the time of the last one removed. */
export function removeExpired(records: KeyRecords, sinceMs: number, maxCount: number): number | undefined {
  let removedMs: number | undefined;
  for (const [key, [, , timeMs]] of records) {
    if (timeMs >= sinceMs && records.size <= maxCount) break;
    records.delete(key);
    removedMs = timeMs;
  }
  return removedMs;
}
