import { createHash, randomBytes } from "node:crypto";
import { UnknownOffsetError } from "./messageLog";

const OFFSET = /^([0-9a-f]{12})-(0|[1-9a-z][0-9a-z]{0,9})$/; // one spelling per place, so offsets compare as strings

/** Names one life of a log: it changes when messages may have been lost. */
export type Epoch = string;

export function newEpoch(): Epoch {
  return randomBytes(6).toString("hex");
}

/** A room's own epoch, so that an offset of one room means nothing in another. */
export function roomEpoch(epoch: Epoch, room: string): Epoch {
  return createHash("sha256").update(`${epoch} ${room}`).digest("hex").slice(0, epoch.length);
}

/** Epoch and position in the room; clients must treat it as opaque. */
export function formatOffset(epoch: Epoch, sequence: number): string {
  return `${epoch}-${sequence.toString(36)}`;
}

/** The position that an offset of this epoch names. Throws for anything else. */
export function parseOffset(epoch: Epoch, offset: string): number {
  const [, itsEpoch, position = ""] = OFFSET.exec(offset) ?? [];
  if (itsEpoch !== epoch) throw new UnknownOffsetError("offset of another log");
  return parseInt(position, 36);
}
