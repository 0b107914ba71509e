import { readFileSync } from "node:fs";
import { MAX_ROOM_FIELD_LENGTH } from "../protocol/limits";
import type { ChatRoom } from "../protocol/payloads";
import type { Kind } from "./variable";

const ROOM_NAME = /^\/[a-z0-9][a-z0-9_-]*$/;

/** The path of a JSON file. The value is the list of rooms in the file: at least one room, each name once. */
export const ROOMS: Kind<readonly ChatRoom[]> = { type: "path of a JSON file", parse: roomsIn };

function roomsIn(file: string): ChatRoom[] {
  const list = parse(file);
  if (!Array.isArray(list) || list.length === 0) throw new Error(`${file} must hold a list of rooms`);
  const rooms = list.map((entry: unknown) => roomOf(entry, file));
  const names = rooms.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new Error(`${file} names room "${repeated}" twice`);
  return rooms;
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function roomOf(entry: unknown, file: string): ChatRoom {
  const { label, name, ...others } = (entry ?? {}) as Record<string, unknown>;
  if (isField(label) && isField(name) && ROOM_NAME.test(name) && Object.keys(others).length === 0)
    return { label, name };
  const form = `{"label": "Cooking", "name": "/cooking"}, name matching ${ROOM_NAME.source}`;
  throw new Error(`${file}: a room is ${form}, not ${JSON.stringify(entry)}`);
}

function isField(value: unknown): value is string {
  return typeof value === "string" && value !== "" && [...value].length <= MAX_ROOM_FIELD_LENGTH;
}
