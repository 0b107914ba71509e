import type { ChatMessage, MessageReceipt } from "../../protocol/events";
import type { KeyRecord } from "../idempotencyKeys";
import type { RoomLog } from "./roomLog";

/** A message that waits for its commit. */
export interface PendingAppend {
  room: RoomLog;
  sequence: number;
  message: ChatMessage;
  json: string;
  /** Set for idempotent appends. */
  keyRecord: KeyRecord | undefined;
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: Error) => void;
}

/** The appends of one turn of the event loop. They share a transaction. */
export class TurnBatch {
  readonly appends: PendingAppend[] = [];
  /** room → the JSON of its messages, which have consecutive sequences */
  readonly rooms = new Map<RoomLog, { firstSequence: number; jsons: string[] }>();
  readonly keyRecords: KeyRecord[] = [];

  add(append: PendingAppend): void {
    this.appends.push(append);
    if (append.keyRecord !== undefined) this.keyRecords.push(append.keyRecord);
    const block = this.rooms.get(append.room);
    if (block !== undefined) block.jsons.push(append.json);
    else this.rooms.set(append.room, { firstSequence: append.sequence, jsons: [append.json] });
  }
}
