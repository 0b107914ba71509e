import type { ChatMessage } from "../../protocol/events";
import type { Epoch } from "../offset";

/** A stream entry as Redis returns it: its id, then the names and values of its fields in turn. */
export type RawEntry = [id: string, fields: string[]];

export interface StreamEntry {
  sequence: number;
  epoch: Epoch;
  previous: number; // sequence of the message before it
  json: string;
}

const ID = /^(\d{1,15})-0$/;
const EPOCH = /^[0-9a-f]{12}$/;
const SEQUENCE = /^\d{1,15}$/;
const MAX_JSON_LENGTH = 64 * 1024; // every valid message is far shorter

/** Parses an entry. Returns undefined for an entry that this service did not write. */
export function parseEntry(room: string, [id, fields]: RawEntry): StreamEntry | undefined {
  const [, sequence] = ID.exec(id) ?? [];
  const [e, epoch = "", p, previous = "", m, json = ""] = fields;
  if (sequence === undefined || fields.length !== 6 || e !== "e" || p !== "p" || m !== "m") return undefined;
  if (!EPOCH.test(epoch) || !SEQUENCE.test(previous) || !isMessage(room, json)) return undefined;
  return { sequence: Number(sequence), epoch, previous: Number(previous), json };
}

/** Checks the shape: other programs may write to the stream, and clients must receive valid messages only. */
function isMessage(room: string, json: string): boolean {
  if (json.length > MAX_JSON_LENGTH) return false;
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
