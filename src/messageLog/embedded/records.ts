import { crc32 } from "node:zlib";
import { hashKey, type KeyRecord } from "../idempotencyKeys";

/*
 * The texts that the log stores. Each begins with a checksum, which also covers its place in the store. The functions
 * that decode return undefined for a damaged text. Format 1, of version 1.0.0, has no checksums: these texts begin with
 * a bracket and are checked by parsing them.
 */

export const FORMAT = 2; // an older version refuses a directory of this format
const SEPARATOR = "\n"; // JSON contains no raw newline
const CHECKSUM_CHARS = 8;

export interface LogState {
  format: number;
  epoch: string;
  isClean: boolean; // the last stop was orderly: everything was written and flushed
  bootId: string | undefined; // of the last writer; undefined on systems without boot ids
  heads?: number | undefined; // `BlockStore.heads` after an orderly stop; undefined in format 1
}

/** Returns a number that stands for a place in the store: a room and a sequence, or a time and a turn. */
export function placeOf(name: string, index: number): number {
  return (crc32(name) + index) >>> 0;
}

/** `jsons` are the messages of the block, which may be empty. */
export function encodeBlock(place: number, jsons: readonly string[]): string {
  return seal(place, jsons.join(SEPARATOR));
}

export function decodeBlock(place: number, stored: string): string[] | undefined {
  if (stored.startsWith("{")) return decodeFormat1(stored);
  const text = unseal(place, stored);
  return text === "" ? [] : text?.split(SEPARATOR);
}

function decodeFormat1(stored: string): string[] | undefined {
  const jsons = stored.split(SEPARATOR);
  return jsons.every((json) => json.startsWith("{") && parse(json) !== undefined) ? jsons : undefined;
}

export function encodeKeys(place: number, records: readonly KeyRecord[]): string {
  return seal(place, JSON.stringify(records));
}

export function decodeKeys(place: number, stored: string): KeyRecord[] | undefined {
  const text = unseal(place, stored);
  if (text !== undefined) return JSON.parse(text) as KeyRecord[];
  try {
    const records = JSON.parse(stored) as KeyRecord[]; // of format 1, whose keys are not hashed
    return records.map(([key, ...rest]) => [hashKey(key), ...rest]);
  } catch {
    return undefined;
  }
}

/** The checksum is a field of its own, so that every version can read the format. */
export function encodeState(state: LogState): string {
  return JSON.stringify({ ...state, checksum: crc32(JSON.stringify(state)) });
}

/** The state may be of any format. */
export function decodeState(stored: string): LogState | undefined {
  const { checksum, ...state } = (parse(stored) ?? {}) as LogState & { checksum?: number };
  const isIntact = checksum === crc32(JSON.stringify(state));
  const isFormat1 = checksum === undefined && state.format === 1 && typeof state.epoch === "string";
  return isIntact || isFormat1 ? state : undefined;
}

function seal(place: number, text: string): string {
  return crc32(text, place).toString(16).padStart(CHECKSUM_CHARS, "0") + text;
}

function unseal(place: number, stored: string): string | undefined {
  const text = stored.slice(CHECKSUM_CHARS);
  return parseInt(stored.slice(0, CHECKSUM_CHARS), 16) === crc32(text, place) ? text : undefined;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
