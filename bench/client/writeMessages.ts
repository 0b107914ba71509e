/** Fills a room's log, for scenarios that measure what happens with stored messages. */
import { AckedSender, isAck, type Receipt } from "./ackedSender";
import { connectAll } from "./connectAll";
import { pick } from "../measure/pick";
import type { Inbox } from "./loadClient";
import type { Target } from "../process/target";
import type { Room } from "../rooms";

class WritingInbox implements Inbox {
  readonly receipts: Receipt[] = [];
  readonly complete: Promise<void>;
  sender: AckedSender | undefined;
  private acksInRead = 0;
  private whenComplete: () => void = () => {};

  constructor(private readonly count: number) {
    this.complete = new Promise((resolve) => (this.whenComplete = resolve));
  }

  frame(_client: number, buffer: Buffer, start: number, end: number): void {
    if (!isAck(buffer, start) || this.sender === undefined) return; // ignores the messages themselves
    const { sequence, receipt } = this.sender.onAck(buffer, start, end);
    this.receipts[sequence] = receipt;
    this.acksInRead++;
  }

  readEnd(): void {
    const { sender } = this;
    if (sender === undefined || this.acksInRead === 0) return;
    sender.send(Math.min(this.acksInRead, this.count - sender.sent));
    this.acksInRead = 0;
    if (sender.acked === this.count) this.whenComplete();
  }
}

/** Resolves with the receipts in the order of sending, which is the room's order while there is no other sender. */
export async function writeMessages(
  target: Target,
  room: Room,
  { count, inFlight, sender = 0 }: { count: number; inFlight: number; sender?: number },
): Promise<Receipt[]> {
  const inbox = new WritingInbox(count);
  const clients = await connectAll(target, 1, inbox);
  inbox.sender = new AckedSender(target, pick(clients, 0), sender, room);
  inbox.sender.send(Math.min(inFlight, count));
  await inbox.complete;
  inbox.sender.checkAllAcked();
  pick(clients, 0).close();
  return inbox.receipts;
}
