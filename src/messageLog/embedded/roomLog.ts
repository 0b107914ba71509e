import type { BlockStore, Sequenced } from "./blockStore";
import { UnknownOffsetError, type Page, type PageRequest, type StoredMessage } from "../messageLog";
import { formatOffset, parseOffset, roomEpoch, type Epoch } from "../offset";

const TRIM_SLACK = 1_000; // messages kept over the limit before any are removed, so that few commits remove any
const TRIM_BLOCKS = 2_000; // removed in one commit at the most: some 2 ms

/** One room of the embedded log: its positions, its pages, its retention. */
export class RoomLog {
  readonly name: string;
  /** Sequence of the last message delivered; 0 when there was none. */
  delivered: number;
  readonly #store: BlockStore;
  readonly #epoch: Epoch;
  readonly #maxMessages: number;
  #first: number; // first sequence that may still be stored
  #next: number;
  #mayHoldUnstored = false;

  constructor(name: string, store: BlockStore, epoch: Epoch, maxMessages: number) {
    this.name = name;
    this.#store = store;
    this.#epoch = roomEpoch(epoch, name);
    this.#maxMessages = maxMessages;
    const { first, next } = store.bounds(name);
    this.#first = first;
    this.#next = next;
    this.delivered = next - 1;
  }

  offsetOf(sequence: number): string {
    return formatOffset(this.#epoch, sequence);
  }

  takeSequence(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /** After a failure, once nothing is under way: the sequences of what was not stored are given out again. */
  forgetUnstored(): void {
    this.#next = this.delivered + 1;
    this.#mayHoldUnstored = true;
  }

  /** To be called inside a transaction: a commit that failed while flushing may have written all the same. */
  removeUnstored(): void {
    if (!this.#mayHoldUnstored) return;
    this.#mayHoldUnstored = false;
    this.#store.removeBlocksFrom(this.name, this.delivered + 1);
  }

  /** To be called inside a transaction: removes what retention no longer keeps, when it is worth it. */
  trim(): void {
    if (this.#next - this.#first <= this.#maxMessages + TRIM_SLACK) return;
    this.#first = this.#store.removeBlocksBefore(this.name, this.#next - this.#maxMessages, TRIM_BLOCKS);
  }

  read({ after, before, limit }: PageRequest): Page {
    if (after !== undefined) return this.#readAfter(parseOffset(this.#epoch, after), limit);
    return this.#readBefore(
      before === undefined ? this.delivered + 1 : parseOffset(this.#epoch, before),
      limit,
    );
  }

  #readAfter(sequence: number, limit: number): Page {
    // Not even a gap may go unnoticed: what follows the offset must still be here.
    if (sequence > this.delivered || sequence < this.#firstKept - 1)
      throw new UnknownOffsetError("offset not kept");
    const found: Sequenced[] = [];
    for (const message of this.#store.forward(this.name, sequence + 1)) {
      if (found.length === limit || message.sequence > this.delivered) break;
      found.push(message);
    }
    return this.#page(found, sequence);
  }

  #readBefore(sequence: number, limit: number): Page {
    if (sequence > this.delivered + 1) throw new UnknownOffsetError("offset not yet given out");
    const found: Sequenced[] = [];
    for (const message of this.#store.backward(this.name, sequence)) {
      if (found.length === limit || message.sequence < this.#firstKept) break;
      found.push(message);
    }
    return this.#page(found.reverse(), sequence - 1);
  }

  /** `position`: where an empty page lies, between what is older and what is newer. */
  #page(found: Sequenced[], position: number): Page {
    const first = found[0]?.sequence ?? position + 1;
    const last = found.at(-1)?.sequence ?? Math.max(position, this.#firstKept - 1);
    return {
      messages: found.map((message) => this.#stored(message)),
      before: first > this.#firstKept ? this.offsetOf(first) : null,
      after: last < this.delivered ? this.offsetOf(last) : null,
    };
  }

  get #firstKept(): number {
    return Math.max(this.#first, this.delivered + 1 - this.#maxMessages);
  }

  #stored({ sequence, json }: Sequenced): StoredMessage {
    return { room: this.name, offset: this.offsetOf(sequence), json };
  }
}
