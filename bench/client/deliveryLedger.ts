/**
 * Checks that every client gets every message exactly once and each sender's in order, by the id alone:
 * a mismatch ends the run. Now and then a whole frame is checked too.
 */
import { setTimeout as pause } from "node:timers/promises";
import { pick } from "../measure/pick";
import { byteAt } from "./bytes";
import type { Inbox } from "./loadClient";
import { messageId, ROOM, senderName, SEQUENCE_DIGITS, TEXT, type Sender } from "./sender";

const ID_LENGTH = messageId(0, 0).length;
const WHOLE_CHECK_EVERY = 4096; // deliveries; a power of two

interface RoomEvent {
  data: { message: string; username: string; chatRoom: typeof ROOM; uuid: string; serverTimestamp: string };
  error: null;
}

export abstract class DeliveryLedger implements Inbox {
  delivered = 0;
  /** The next sequence due, by client and, within a client, by sender. */
  private readonly due: Int32Array;
  /** Both learnt from the first frame; all frames of a scenario have one size. */
  private frameLength = 0;
  private idOffset = 0;

  constructor(
    private readonly clientCount: number,
    private readonly senderCount: number,
  ) {
    this.due = new Int32Array(clientCount * senderCount);
  }

  frame(client: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== this.frameLength || (this.delivered & (WHOLE_CHECK_EVERY - 1)) === 0) {
      this.checkWhole(client, buffer, start, end);
    }
    const id = start + this.idOffset;
    const sender = (byteAt(buffer, id + 1) - 48) * 10 + byteAt(buffer, id + 2) - 48;
    let sequence = 0;
    for (let at = id + ID_LENGTH - SEQUENCE_DIGITS; at < id + ID_LENGTH; at++) {
      sequence = sequence * 10 + byteAt(buffer, at) - 48;
    }
    const slot = client * this.senderCount + sender;
    if (this.due[slot] !== sequence) this.failOrder(client, buffer, id, this.due[slot]);
    this.due[slot] = sequence + 1;
    this.delivered++;
    this.onDelivery(client, sender, sequence);
  }

  abstract readEnd(client: number): void;

  protected abstract onDelivery(client: number, sender: number, sequence: number): void;

  /** Resolves when every client has all that was sent, and nothing more has come for a moment. */
  async settle(senders: Sender[], withinMs = 15_000): Promise<void> {
    const allSent = senders.reduce((sum, { sent }) => sum + sent, 0);
    const deadline = Date.now() + withinMs;
    while (this.delivered < allSent * this.clientCount && Date.now() < deadline) await pause(20);
    await pause(150);
    for (let slot = 0; slot < this.due.length; slot++) {
      const sender = slot % this.senderCount;
      const { sent } = pick(senders, sender);
      if (this.due[slot] !== sent) {
        const client = Math.floor(slot / this.senderCount);
        throw new Error(`client ${client} got ${this.due[slot]} of ${sent} messages of sender ${sender}`);
      }
    }
  }

  private checkWhole(client: number, buffer: Buffer, start: number, end: number): void {
    const text = buffer.toString("utf8", start, end);
    const [event, { data, error }] = JSON.parse(text.slice(text.indexOf("["))) as [string, RoomEvent];
    const sender = Number(data.uuid.slice(1, 3));
    const right =
      event === ROOM.name &&
      error === null &&
      data.message === TEXT &&
      data.username === senderName(sender) &&
      data.chatRoom.label === ROOM.label &&
      data.chatRoom.name === ROOM.name &&
      data.uuid.length === ID_LENGTH &&
      new Date(data.serverTimestamp).toISOString() === data.serverTimestamp &&
      Object.keys(data).length === 5;
    const idOffset = text.indexOf(data.uuid);
    const known = this.frameLength !== 0;
    if (!right || (known && (end - start !== this.frameLength || idOffset !== this.idOffset))) {
      throw new Error(`client ${client} got what nobody sent: ${text}`);
    }
    this.frameLength = end - start;
    this.idOffset = idOffset;
  }

  private failOrder(client: number, buffer: Buffer, id: number, due: number | undefined): never {
    const got = buffer.toString("latin1", id, id + ID_LENGTH);
    throw new Error(`client ${client} got ${got} where that sender's message ${due} was due`);
  }
}
