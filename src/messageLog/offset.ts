import { createHash, randomBytes } from "node:crypto";
import { UnknownOffsetError } from "./messageLog";

const OFFSET = /^([0-9a-f]{12})-(0|[1-9a-z][0-9a-z]{0,9})$/; // one spelling per place: offsets compare as strings

/** Names one period of a log without losses. A new epoch begins when messages may have been lost. */
export type Epoch = string;

export function newEpoch(): Epoch {
  return randomBytes(6).toString("hex");
}

/** Derives the epoch of one room, so that an offset of one room is never valid in another. */
export function roomEpoch(epoch: Epoch, room: string): Epoch {
  return createHash("sha256").update(`${epoch} ${room}`).digest("hex").slice(0, epoch.length);
}

/** Returns `<epoch>-<sequence in base 36>`. The sequence of a room's first message is 1. */
export function formatOffset(epoch: Epoch, sequence: number): string {
  return `${epoch}-${sequence.toString(36)}`;
}

/** Returns the sequence in an offset of this epoch. Throws UnknownOffsetError for any other string. */
export function parseOffset(epoch: Epoch, offset: string): number {
  const sequence = sequenceIn(epoch, offset);
  if (sequence !== undefined) return sequence;
  throw new UnknownOffsetError("offset of another log");
}

/** As `parseOffset`, but returns undefined for any other string. */
export function sequenceIn(epoch: Epoch, offset: string): number | undefined {
  const [, offsetEpoch, sequence = ""] = OFFSET.exec(offset) ?? [];
  return offsetEpoch === epoch ? parseInt(sequence, 36) : undefined;
}
