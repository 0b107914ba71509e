/** Sends a client's numbered messages. All have the same size, so receivers find the id at a fixed position. */
import { NumberedFrame } from "./clientFrames";
import { dialects } from "./dialect";
import type { LoadClient } from "./loadClient";
import type { Target } from "../process/target";
import { COOKING } from "../rooms";

/** An id is for example `s03-0000000123`: message 123 of sender 3. */
export const SEQUENCE_DIGITS = 10;
export const PLACEHOLDER = "0".repeat(SEQUENCE_DIGITS);

export const TEXT =
  "Stir the onions slowly until they turn golden, then add the stock, a spoon at a time, and keep going.";

export function messageId(sender: number, sequence: number): string {
  return `s${String(sender).padStart(2, "0")}-${String(sequence).padStart(SEQUENCE_DIGITS, "0")}`;
}

export function senderName(sender: number): string {
  return `sender-${String(sender).padStart(2, "0")}`;
}

export class Sender {
  sent = 0;
  private readonly frames: NumberedFrame;

  constructor(
    target: Target,
    private readonly client: LoadClient,
    index: number,
    { room = COOKING, ackId = "" } = {},
  ) {
    const uuid = messageId(index, 0);
    const payload = { message: TEXT, username: senderName(index), chatRoom: room, uuid };
    const text = dialects[target.dialect].eventPrefix + ackId + JSON.stringify(["new_message", payload]);
    this.frames = new NumberedFrame(text, PLACEHOLDER);
  }

  /** Sends the next `count` messages in one write. */
  send(count: number): void {
    this.client.send(this.frames.copies(this.sent, count));
    this.sent += count;
  }
}
