/**
 * Checks that every client receives every message exactly once and each sender's messages in order. It compares ids,
 * and every `WHOLE_CHECK_INTERVAL` deliveries a whole frame. A mismatch ends the run.
 */
import { setTimeout as pause } from "node:timers/promises";
import { pick } from "../measure/pick";
import { COOKING, type Room } from "../rooms";
import { byteAt } from "./bytes";
import type { Inbox } from "./loadClient";
import { messageId, senderName, SEQUENCE_DIGITS, TEXT, type Sender } from "./sender";

const SETTLE_TIMEOUT_MS = 15_000;
const SETTLE_POLL_MS = 20;
/** After the last expected delivery, to catch deliveries too many. */
const EXTRA_WAIT_MS = 150;
const ID_LENGTH = messageId(0, 0).length;
const WHOLE_CHECK_INTERVAL = 4096; // a power of two

interface RoomEvent {
  data: { message: string; username: string; chatRoom: Room; uuid: string; serverTimestamp: string };
  error: null;
}

export abstract class DeliveryLedger implements Inbox {
  delivered = 0;
  /** The next expected sequence, at index client × senderCount + sender. */
  private readonly due: Int32Array;
  /** Taken from the first frame; all frames of a scenario have the same size. */
  private frameLength = 0;
  private idOffset = 0;

  constructor(
    private readonly clientCount: number,
    private readonly senderCount: number,
  ) {
    this.due = new Int32Array(clientCount * senderCount);
  }

  frame(client: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== this.frameLength || (this.delivered & (WHOLE_CHECK_INTERVAL - 1)) === 0) {
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

  /** Resolves when every client has every message and no further delivery follows; rejects at the timeout. */
  async settle(senders: Sender[]): Promise<void> {
    const allSent = senders.reduce((sum, { sent }) => sum + sent, 0);
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    while (this.delivered < allSent * this.clientCount && performance.now() < deadline)
      await pause(SETTLE_POLL_MS);
    await pause(EXTRA_WAIT_MS);
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
    const isRight =
      event === COOKING.name &&
      error === null &&
      data.message === TEXT &&
      data.username === senderName(sender) &&
      data.chatRoom.label === COOKING.label &&
      data.chatRoom.name === COOKING.name &&
      data.uuid.length === ID_LENGTH &&
      new Date(data.serverTimestamp).toISOString() === data.serverTimestamp &&
      Object.keys(data).length === 5;
    const idOffset = text.indexOf(data.uuid);
    const isKnown = this.frameLength !== 0;
    if (!isRight || (isKnown && (end - start !== this.frameLength || idOffset !== this.idOffset))) {
      throw new Error(`client ${client} got a message that was not sent: ${text}`);
    }
    this.frameLength = end - start;
    this.idOffset = idOffset;
  }

  private failOrder(client: number, buffer: Buffer, id: number, due: number | undefined): never {
    const got = buffer.toString("latin1", id, id + ID_LENGTH);
    throw new Error(`client ${client} got ${got} where message ${due} of that sender was expected`);
  }
}
