import { createHash } from "node:crypto";
import type { ChatMessage } from "../../protocol/events";
import type { StoredMessage } from "../messageLog";
import { formatOffset, parseOffset, sequenceIn, type Epoch } from "../offset";
import type { OpenReply } from "./redisScripts";

export type RawEntry = [id: string, fields: string[]]; // as Redis returns it: names and values of fields in turn

export interface StreamEntry {
  sequence: number;
  epoch: Epoch;
  previous: number; // sequence of the message before it
  json: string;
}

const ID = /^(\d{1,15})-0$/;
const EPOCH = /^[0-9a-f]{12}$/;
const SEQUENCE = /^\d{1,15}$/;
const MAX_JSON_LENGTH = 64 * 1024; // every valid message is far shorter

/** How far one node has read one room of the Redis log. */
export class RedisRoom {
  readonly name: string;
  readonly keys: { stream: string; meta: string; uuid: string };
  epoch: Epoch = ""; // until the room is open
  head = 0; // sequence of the last message delivered here
  cursor = "0-0"; // id of the last stream entry read, also of a foreign one; reading continues after it
  #seam = { from: 0, to: 0 }; // where the epoch began: no message has a sequence after `from` and up to `to`
  #newest: { json: string } | { digest: string } = { digest: "" };
  readonly #waiting = new Map<number, (() => void)[]>(); // sequence → callbacks that wait for its announcement

  constructor(name: string, keyPrefix: string) {
    this.name = name;
    const prefix = `${keyPrefix}:{${name}}`; // the braces keep the keys of a room in one slot of a Redis Cluster
    this.keys = { stream: `${prefix}:messages`, meta: `${prefix}:log`, uuid: `${prefix}:uuid:` };
  }

  idempotencyKey({ username, uuid }: ChatMessage): string {
    const digest = createHash("sha256").update(JSON.stringify([username, uuid]));
    return this.keys.uuid + digest.digest("base64url").slice(0, 22); // 132 bits
  }

  /** Returns what OPEN needs to check whether Redis still holds what this node has read. */
  readerState(): [epoch: Epoch, head: number, digest: string] {
    const newest = this.#newest;
    const digest = "digest" in newest ? newest.digest : createHash("sha1").update(newest.json).digest("hex");
    return [this.epoch, this.head, digest];
  }

  offsetOf(sequence: number): string {
    return formatOffset(this.epoch, sequence);
  }

  stored({ sequence, json }: { sequence: number; json: string }): StoredMessage {
    return { room: this.name, offset: this.offsetOf(sequence), json };
  }

  /** Throws UnknownOffsetError for an offset of another epoch. */
  sequenceOf(offset: string): number {
    return this.acrossSeam(parseOffset(this.epoch, offset));
  }

  /** As `MessageLog.distance`. The sequences that the seam skips do not count. */
  distance(offset: string): number | undefined {
    const sequence = sequenceIn(this.epoch, offset);
    const { from, to } = this.#seam;
    const placeOf = (each: number) => (each < to ? Math.min(each, from) : each - (to - from));
    return sequence === undefined ? undefined : placeOf(this.head) - placeOf(sequence);
  }

  /** Whether the offset is of this epoch and at most `tolerance` after the head. */
  reaches(offset: string, tolerance: number): boolean {
    return offset.startsWith(`${this.epoch}-`) && this.sequenceOf(offset) <= this.head + tolerance;
  }

  open([epoch, last, from, to, digest, hasMissed]: OpenReply): void {
    const isFirst = this.epoch === "";
    this.epoch = epoch;
    this.#seam = { from: Number(from), to: Number(to) };
    const mustSkip = isFirst || hasMissed === "1"; // this node is new, or what it missed is gone
    if (mustSkip) this.#newest = { digest };
    this.#moveTo(mustSkip ? Math.max(Number(last), this.head) : this.head);
    this.rewind();
    // Redis acknowledged the messages up to here and then lost them: their appends time out.
    for (const sequence of this.#waiting.keys()) if (sequence <= this.head) this.#waiting.delete(sequence);
  }

  /** Whether the last entry that was read is foreign. Its id may be far above the sequences that come next. */
  get isBehindCursor(): boolean {
    return parseInt(this.cursor, 10) > this.head;
  }

  /** Continues reading at the head. Foreign entries after it are read again. */
  rewind(): void {
    this.cursor = `${String(this.head)}-0`;
  }

  /**
   * How an entry continues what this node has delivered. "seen": it was delivered, or lies before the place where this
   * node began to read. "newEpoch": this node does not know its epoch; the room must be opened again. "afterGap": it
   * is next, but Redis has removed messages before it that were not delivered here.
   */
  classify({ sequence, epoch, previous }: StreamEntry): "seen" | "newEpoch" | "afterGap" | "next" {
    if (sequence <= this.head) return "seen";
    if (epoch !== this.epoch && sequence > this.#seam.to) return "newEpoch";
    return previous > this.head ? "afterGap" : "next";
  }

  onDelivered({ sequence, json }: StreamEntry): void {
    this.#newest = { json };
    this.#moveTo(sequence);
  }

  /** Calls back when the sequence is announced; at once if it lies at or before the head and has no waiters. */
  whenDelivered(sequence: number, callback: () => void): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting !== undefined) waiting.push(callback);
    else if (sequence > this.head) this.#waiting.set(sequence, [callback]);
    else callback();
  }

  /** Call it for each delivered message, after all messages of the same reply were delivered. */
  announce(sequence: number): void {
    const waiting = this.#waiting.get(sequence) ?? [];
    this.#waiting.delete(sequence);
    for (const callback of waiting) callback();
  }

  #moveTo(sequence: number): void {
    this.head = this.acrossSeam(sequence);
    if (parseInt(this.cursor, 10) < this.head) this.cursor = `${String(this.head)}-0`;
  }

  /** Maps a sequence in the seam to its end. Not for `before`: the message at the start of the seam is before its end. */
  acrossSeam(sequence: number): number {
    const { from, to } = this.#seam;
    return sequence >= from && sequence < to ? to : sequence;
  }
}

/** Parses an entry. Returns undefined for an entry that this service did not write. */
export function parseEntry(room: string, [id, fields]: RawEntry): StreamEntry | undefined {
  const [, sequence] = ID.exec(id) ?? [];
  const [e, epoch = "", p, previous = "", m, json = ""] = fields;
  if (sequence === undefined || fields.length !== 6 || e !== "e" || p !== "p" || m !== "m") return undefined;
  if (!EPOCH.test(epoch) || !SEQUENCE.test(previous) || !isMessage(room, json)) return undefined;
  return { sequence: Number(sequence), epoch, previous: Number(previous), json };
}

/** Checks the shape: other programs may write to the stream, and clients must receive valid messages only. */
function isMessage(room: string, json: string): boolean {
  if (json.length > MAX_JSON_LENGTH) return false;
  try {
    const message = JSON.parse(json) as Partial<ChatMessage> | null;
    if (typeof message !== "object" || message === null || Object.keys(message).length !== 5) return false;
    const { username, uuid, chatRoom, serverTimestamp } = message;
    const strings: unknown[] = [message.message, username, uuid, serverTimestamp, chatRoom?.label];
    return strings.every((value) => typeof value === "string") && chatRoom?.name === room;
  } catch {
    return false;
  }
}
