import type { ChatMessage } from "../../protocol/events";
import type { KeyRecord } from "../idempotencyKeys";
import type { Receipt } from "../messageLog";
import type { RoomLog } from "./roomLog";

/** A message on its way to the disk. */
export interface PendingAppend {
  room: RoomLog;
  sequence: number;
  message: ChatMessage;
  json: string;
  /** Set when the message is to be stored once for its key. */
  key: { key: string; textHash: number } | undefined;
  resolve: (receipt: Receipt) => void;
  reject: (error: Error) => void;
}

/** The messages of one turn of the event loop, which share a transaction. */
export class TurnBatch {
  readonly entries: PendingAppend[] = [];
  /** room → its entries, in sequence */
  readonly rooms = new Map<RoomLog, PendingAppend[]>();

  add(entry: PendingAppend): void {
    this.entries.push(entry);
    const ofRoom = this.rooms.get(entry.room);
    if (ofRoom === undefined) this.rooms.set(entry.room, [entry]);
    else ofRoom.push(entry);
  }

  keyRecords(): KeyRecord[] {
    return this.entries.flatMap(({ key, sequence, message }) =>
      key === undefined ? [] : [[key.key, sequence, Date.parse(message.serverTimestamp), key.textHash]],
    );
  }
}
