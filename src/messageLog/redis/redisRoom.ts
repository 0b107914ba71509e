import { createHash } from "node:crypto";
import type { ChatMessage } from "../../protocol/events";
import { formatOffset, parseOffset, type Epoch } from "../offset";
import type { StreamEntry } from "./streamEntry";

/** How a room stands in Redis, as the script OPEN tells it. */
export interface OpenedRoom {
  epoch: Epoch;
  last: number;
  seam: Seam;
  /** SHA-1 of the newest message, "" when there is none. */
  digest: string;
  /** The reader has missed messages that it will not find. */
  hasMissed: boolean;
}

/** Where an epoch began: no message was or will be given a sequence after `from` and up to `to`. */
interface Seam {
  from: number;
  to: number;
}

/** Where one node stands in one room of the Redis log. */
export class RedisRoom {
  readonly name: string;
  /** The braces put a room's keys into one slot of a Redis Cluster; other rooms may be elsewhere. */
  readonly keys: { stream: string; meta: string; uuid: string };
  epoch: Epoch = "";
  /** Sequence of the last message delivered here. */
  position = 0;
  /** Where to read on: the last stream entry looked at, foreign ones included. */
  cursor = "0-0";
  #seam: Seam = { from: 0, to: 0 };
  #newest: { json: string } | { digest: string } = { digest: "" };
  /** sequence → whom to call once it was delivered here */
  readonly #waiting = new Map<number, (() => void)[]>();

  constructor(name: string, keyPrefix: string) {
    this.name = name;
    const prefix = `${keyPrefix}:{${name}}`;
    this.keys = { stream: `${prefix}:messages`, meta: `${prefix}:log`, uuid: `${prefix}:uuid:` };
  }

  /** Key under which an acked message is remembered. */
  idempotencyKey({ username, uuid }: ChatMessage): string {
    const digest = createHash("sha256")
      .update(JSON.stringify([username, uuid]))
      .digest("base64url");
    return this.keys.uuid + digest.slice(0, 22); // 132 bits
  }

  /** SHA-1 of the newest message delivered: tells whether Redis still holds the log that this node has read. */
  digest(): string {
    const newest = this.#newest;
    return "digest" in newest ? newest.digest : createHash("sha1").update(newest.json).digest("hex");
  }

  offsetOf(sequence: number): string {
    return formatOffset(this.epoch, sequence);
  }

  sequenceOf(offset: string): number {
    return this.#acrossSeam(parseOffset(this.epoch, offset));
  }

  /** Whether messages are delivered up to the offset, less `beyond`; false for an offset of another epoch. */
  reaches(offset: string, beyond: number): boolean {
    return offset.startsWith(`${this.epoch}-`) && this.sequenceOf(offset) <= this.position + beyond;
  }

  /** A reader that opens the room for the first time, or cannot read on where it was, goes on at its end. */
  open({ epoch, last, seam, digest, hasMissed }: OpenedRoom): void {
    const isFirst = this.epoch === "";
    this.epoch = epoch;
    this.#seam = seam;
    if (isFirst || hasMissed) this.#newest = { digest };
    this.#moveTo(this.#acrossSeam(isFirst || hasMissed ? Math.max(last, this.position) : this.position));
    // Whoever waits for less has an answer of Redis that was lost again.
    for (const sequence of this.#waiting.keys())
      if (sequence <= this.position) this.#waiting.delete(sequence);
  }

  delivered({ sequence, json }: StreamEntry): void {
    this.#newest = { json };
    this.#moveTo(this.#acrossSeam(sequence));
  }

  /** Calls back from `announce`, or at once when that sequence was announced before. */
  whenDelivered(sequence: number, callback: () => void): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting !== undefined) waiting.push(callback);
    else if (sequence > this.position) this.#waiting.set(sequence, [callback]);
    else callback();
  }

  announce(sequence: number): void {
    const waiting = this.#waiting.get(sequence);
    this.#waiting.delete(sequence);
    for (const callback of waiting ?? []) callback();
  }

  /** Whether a message of that sequence belongs to the epoch this node knows, or to one that came after it. */
  isAfterSeam(sequence: number): boolean {
    return sequence > this.#seam.to;
  }

  #acrossSeam(sequence: number): number {
    const { from, to } = this.#seam;
    return sequence >= from && sequence < to ? to : sequence;
  }

  #moveTo(sequence: number): void {
    this.position = sequence;
    if (parseInt(this.cursor, 10) < sequence) this.cursor = `${String(sequence)}-0`;
  }
}
