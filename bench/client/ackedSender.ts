/** A sender with an ack for each message. It checks that each message has exactly one ack, and the ack's content. */
import { byteAt } from "./bytes";
import type { LoadClient } from "./loadClient";
import { messageId, PLACEHOLDER, Sender } from "./sender";
import type { Target } from "../process/target";
import { COOKING } from "../rooms";

export interface Receipt {
  uuid: string;
  serverTimestamp: string;
  offset: string;
  duplicate: boolean;
}

const ACK_PREFIX = "43";
const ACK_PACKET_TYPE = ACK_PREFIX.charCodeAt(1);

/** Distinguishes acks from events by the second character; the first is the same. */
export function isAck(buffer: Buffer, start: number): boolean {
  return byteAt(buffer, start + 1) === ACK_PACKET_TYPE;
}

export class AckedSender extends Sender {
  acked = 0;
  /** Sequences without an ack so far. */
  private readonly waiting = new Set<number>();

  constructor(
    target: Target,
    client: LoadClient,
    private readonly index: number,
    room = COOKING,
  ) {
    super(target, client, index, { room, ackId: PLACEHOLDER }); // the ack's id is the message's sequence
  }

  override send(count: number): void {
    for (let sequence = this.sent; sequence < this.sent + count; sequence++) this.waiting.add(sequence);
    super.send(count);
  }

  /** Checks an ack's frame; returns its message's sequence and its receipt. Throws when anything is wrong. */
  onAck(buffer: Buffer, start: number, end: number): { sequence: number; receipt: Receipt } {
    const text = buffer.toString("utf8", start, end);
    const argumentsAt = text.indexOf("[");
    const sequence = Number(text.slice(ACK_PREFIX.length, argumentsAt));
    const [{ data, error }] = JSON.parse(text.slice(argumentsAt)) as [{ data: Receipt; error: unknown }];
    const isRight =
      this.waiting.delete(sequence) &&
      error === null &&
      data.uuid === messageId(this.index, sequence) &&
      !data.duplicate &&
      data.offset.length > 0 &&
      new Date(data.serverTimestamp).toISOString() === data.serverTimestamp;
    if (!isRight) throw new Error(`sender ${this.index} got an ack it did not expect: ${text}`);
    this.acked++;
    return { sequence, receipt: data };
  }

  /** Throws when a message has no ack. */
  checkAllAcked(): void {
    if (this.waiting.size > 0) throw new Error(`${this.waiting.size} of ${this.sent} messages had no ack`);
  }
}
