import type { ChatMessage } from "../../protocol/events";
import type { Epoch } from "../offset";

/** A stream entry as Redis gives it: id, and names and values of its fields in turn. */
export type RawEntry = [id: string, fields: string[]];

/** A message as it stands in its room's stream. */
export interface StreamEntry {
  sequence: number;
  epoch: Epoch;
  /** Sequence of the message before it. */
  previous: number;
  json: string;
}

const ID = /^(\d{1,15})-0$/;
const EPOCH = /^[0-9a-f]{12}$/;
const SEQUENCE = /^\d{1,15}$/;
const MAX_JSON = 64 * 1024; // characters; no valid message comes near

/** Reads an entry; undefined for what this service did not write. */
export function parseEntry(room: string, [id, fields]: RawEntry): StreamEntry | undefined {
  const [, sequence] = ID.exec(id) ?? [];
  const [e, epoch = "", p, previous = "", m, json = ""] = fields;
  if (sequence === undefined || fields.length !== 6 || e !== "e" || p !== "p" || m !== "m") return undefined;
  if (!EPOCH.test(epoch) || !SEQUENCE.test(previous) || !isMessage(room, json)) return undefined;
  return { sequence: Number(sequence), epoch, previous: Number(previous), json };
}

/** Whoever can write to Redis can write anything; clients get nothing that is not in the form of a message. */
function isMessage(room: string, json: string): boolean {
  if (json.length > MAX_JSON) return false;
  try {
    const message = JSON.parse(json) as Partial<ChatMessage> | null;
    if (typeof message !== "object" || message === null || Object.keys(message).length !== 5) return false;
    const { username, uuid, chatRoom, serverTimestamp } = message;
    const strings: unknown[] = [message.message, username, uuid, serverTimestamp, chatRoom?.label];
    return strings.every((value) => typeof value === "string") && chatRoom?.name === room;
  } catch {
    return false;
  }
}
