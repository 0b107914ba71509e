import type { BlockStore, Sequenced } from "./blockStore";
import { UnknownOffsetError, type Page, type PageRequest } from "../messageLog";
import { formatOffset, parseOffset, roomEpoch, sequenceIn, type Epoch } from "../offset";

const TRIM_SLACK = 1_000; // messages above the maximum before any are removed: few commits then remove any
const TRIM_BLOCKS = 2_000; // removed per commit at most: about 2 ms

/** One room of the embedded log: its sequences, its pages, its retention. */
export class RoomLog {
  readonly name: string;
  head: number; // sequence of the last message delivered; 0 if there is none
  readonly #store: BlockStore;
  readonly #epoch: Epoch;
  readonly #maxMessages: number;
  #first: number; // first sequence that may still be stored
  #last: number; // sequence given out last
  #batch: string[] = []; // JSON of the messages up to #last that are not yet written
  #mayHoldVoid = false;

  constructor(name: string, store: BlockStore, epoch: Epoch, maxMessages: number) {
    this.name = name;
    this.#store = store;
    this.#epoch = roomEpoch(epoch, name);
    this.#maxMessages = maxMessages;
    const { first, last } = store.bounds(name);
    this.#first = first;
    this.#last = this.head = last;
  }

  distance(offset: string): number | undefined {
    const sequence = sequenceIn(this.#epoch, offset);
    return sequence === undefined ? undefined : this.head - sequence;
  }

  offsetOf(sequence: number): string {
    return formatOffset(this.#epoch, sequence);
  }

  /** Adds a message to the next `write`. Returns its sequence. */
  add(json: string): number {
    this.#batch.push(json);
    return (this.#last += 1);
  }

  /** Stores the added messages and removes old ones. Call it in a transaction, in the tick that cuts the log's batch. */
  write(): void {
    const batch = this.#batch;
    this.#batch = []; // first: a put that throws must not leave refused messages to the next transaction
    if (this.#mayHoldVoid) this.#store.removeBlocksFrom(this.name, this.head + 1);
    this.#mayHoldVoid = false;
    this.#store.putMessages(this.name, this.#last - batch.length + 1, batch);
    if (this.#last - this.#first < this.#maxMessages + TRIM_SLACK) return;
    this.#first = this.#store.removeBlocksBefore(this.name, this.#last + 1 - this.#maxMessages, TRIM_BLOCKS);
  }

  /**
   * After failed writes, once none is under way: sequences above `head` are void. They are given out again, and the
   * next transaction first deletes what a commit that failed while flushing may have stored under them.
   */
  rollBack(): void {
    this.#last = this.head;
    this.#batch = [];
    this.#mayHoldVoid = true;
  }

  /** As `MessageLog.read`. */
  read(request: PageRequest): Page {
    const { after, before } = request;
    const firstKept = Math.max(this.#first, this.head + 1 - this.#maxMessages);
    const end = before === undefined ? this.head + 1 : parseOffset(this.#epoch, before);
    const emptyPageAt = after === undefined ? end - 1 : parseOffset(this.#epoch, after);
    if (emptyPageAt > this.head) throw new UnknownOffsetError("offset not yet given out");
    // A page must not hide a gap: the message that follows the offset must still be kept.
    if (after !== undefined && emptyPageAt < firstKept - 1) throw new UnknownOffsetError("offset not kept");
    const isForward = after !== undefined;
    const { name: room } = this;
    const source = isForward ? this.#store.forward(room, emptyPageAt + 1) : this.#store.backward(room, end);
    const { found, isMore } = this.#take(source, firstKept, request);
    if (!isForward) found.reverse();
    const first = found[0]?.sequence ?? emptyPageAt + 1;
    const last = found.at(-1)?.sequence ?? Math.max(emptyPageAt, firstKept - 1);
    // Where the page was read to the end of the room, only damaged messages can follow: not another page.
    return {
      messages: found.map(({ sequence, json }) => ({ room, offset: this.offsetOf(sequence), json })),
      before: (isForward ? first > firstKept : isMore) ? this.offsetOf(first) : null,
      after: (isForward ? isMore : last < this.head) ? this.offsetOf(last) : null,
    };
  }

  /** Takes messages while they are kept and the page has room. `isMore`: the page ended before a message that is kept. */
  #take(
    source: Iterable<Sequenced>,
    firstKept: number,
    { limit, maxBytes = Infinity }: PageRequest,
  ): { found: Sequenced[]; isMore: boolean } {
    const found: Sequenced[] = [];
    let bytes = 0;
    for (const message of source) {
      if (message.sequence < firstKept || message.sequence > this.head) break;
      if (maxBytes < Infinity) bytes += Buffer.byteLength(message.json);
      if (found.length === limit || (found.length > 0 && bytes > maxBytes)) return { found, isMore: true };
      found.push(message);
    }
    return { found, isMore: false };
  }
}
