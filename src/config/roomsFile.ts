import { readFileSync } from "node:fs";
import { MAX_ROOM_FIELD_LENGTH } from "../protocol/limits";
import type { ChatRoom } from "../protocol/payloads";
import { DEFAULT_ROOMS } from "../protocol/rooms";
import type { Refuse, Variable } from "./variable";

const ROOM_NAME = /^\/[a-z0-9][a-z0-9_-]*$/;

/** The path of a JSON file. The value is the list of rooms in the file: at least one room, each name once. */
export function roomsFile({ description }: { description: string }): Variable<readonly ChatRoom[]> {
  return {
    type: "path of a JSON file",
    description,
    default: DEFAULT_ROOMS,
    defaultText: DEFAULT_ROOMS.map(({ name }) => `\`${name}\``).join(", "),
    parse: (file, refuse) => roomsIn(parseFile(file, refuse), (problem) => refuse(`${file}${problem}`)),
  };
}

function parseFile(file: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    return refuse(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function roomsIn(list: unknown, refuse: Refuse): readonly ChatRoom[] {
  if (!Array.isArray(list) || list.length === 0) return refuse(" must hold a list of rooms");
  const rooms = list.map((entry: unknown) => roomOf(entry, refuse));
  const names = rooms.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined ? rooms : refuse(` names room "${repeated}" twice`);
}

function roomOf(entry: unknown, refuse: Refuse): ChatRoom {
  const { label, name, ...others } = (entry ?? {}) as Record<string, unknown>;
  const isLabel =
    typeof label === "string" && label.length >= 1 && [...label].length <= MAX_ROOM_FIELD_LENGTH;
  const isName = typeof name === "string" && ROOM_NAME.test(name) && name.length <= MAX_ROOM_FIELD_LENGTH;
  if (isLabel && isName && Object.keys(others).length === 0) return { label, name };
  return refuse(
    `: a room is {"label": "Cooking", "name": "/cooking"}, name matching ${ROOM_NAME.source}, ` +
      `not ${JSON.stringify(entry)}`,
  );
}
