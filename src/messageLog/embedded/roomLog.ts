import type { BlockStore, Sequenced } from "./blockStore";
import { UnknownOffsetError, type Page, type PageRequest } from "../messageLog";
import { formatOffset, parseOffset, roomEpoch, type Epoch } from "../offset";

const TRIM_SLACK = 1_000; // messages above the maximum before any are removed: few commits then remove any
const TRIM_BLOCKS = 2_000; // removed per commit at most: about 2 ms

/** One room of the embedded log: its sequences, its pages, its retention. */
export class RoomLog {
  readonly name: string;
  /** Sequence of the last message delivered; 0 if there is none. */
  head: number;
  readonly #store: BlockStore;
  readonly #epoch: Epoch;
  readonly #maxMessages: number;
  #first: number; // first sequence that may still be stored
  #next: number;
  #mayHoldVoid = false;

  constructor(name: string, store: BlockStore, epoch: Epoch, maxMessages: number) {
    this.name = name;
    this.#store = store;
    this.#epoch = roomEpoch(epoch, name);
    this.#maxMessages = maxMessages;
    const { first, next } = store.bounds(name);
    this.#first = first;
    this.#next = next;
    this.head = next - 1;
  }

  offsetOf(sequence: number): string {
    return formatOffset(this.#epoch, sequence);
  }

  takeSequence(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /**
   * After failed writes, once none is under way: sequences above `head` are void. They are given out again, and the
   * next transaction first deletes what a commit that failed while flushing may have stored under them.
   */
  rollBack(): void {
    this.#next = this.head + 1;
    this.#mayHoldVoid = true;
  }

  /** Stores messages with consecutive sequences and removes old ones. Call it inside a transaction. */
  write(firstSequence: number, jsons: readonly string[]): void {
    if (this.#mayHoldVoid) this.#store.removeBlocksFrom(this.name, this.head + 1);
    this.#mayHoldVoid = false;
    this.#store.putBlock(this.name, firstSequence, jsons);
    if (this.#next - this.#first <= this.#maxMessages + TRIM_SLACK) return;
    this.#first = this.#store.removeBlocksBefore(this.name, this.#next - this.#maxMessages, TRIM_BLOCKS);
  }

  /** As `MessageLog.read`. */
  read({ after, before, limit }: PageRequest): Page {
    if (after !== undefined) return this.#readAfter(parseOffset(this.#epoch, after), limit);
    return this.#readBefore(before === undefined ? this.head + 1 : parseOffset(this.#epoch, before), limit);
  }

  #readAfter(sequence: number, limit: number): Page {
    // A page must not hide a gap: the message that follows the offset must still be kept.
    if (sequence > this.head || sequence < this.#firstKept - 1)
      throw new UnknownOffsetError("offset not kept");
    const found: Sequenced[] = [];
    for (const message of this.#store.forward(this.name, sequence + 1)) {
      if (found.length === limit || message.sequence > this.head) break;
      found.push(message);
    }
    return this.#page(found, sequence);
  }

  #readBefore(sequence: number, limit: number): Page {
    if (sequence > this.head + 1) throw new UnknownOffsetError("offset not yet given out");
    const found: Sequenced[] = [];
    for (const message of this.#store.backward(this.name, sequence)) {
      if (found.length === limit || message.sequence < this.#firstKept) break;
      found.push(message);
    }
    return this.#page(found.reverse(), sequence - 1);
  }

  /** `emptyPageAt`: the sequence before an empty page; the messages after it are newer than the page. */
  #page(found: Sequenced[], emptyPageAt: number): Page {
    const first = found[0]?.sequence ?? emptyPageAt + 1;
    const last = found.at(-1)?.sequence ?? Math.max(emptyPageAt, this.#firstKept - 1);
    return {
      messages: found.map(({ sequence, json }) => ({
        room: this.name,
        offset: this.offsetOf(sequence),
        json,
      })),
      before: first > this.#firstKept ? this.offsetOf(first) : null,
      after: last < this.head ? this.offsetOf(last) : null,
    };
  }

  get #firstKept(): number {
    return Math.max(this.#first, this.head + 1 - this.#maxMessages);
  }
}
