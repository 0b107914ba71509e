import { readFileSync } from "node:fs";
import { ANY_ORIGIN } from "../access/origins";
import { MAX_ROOM_FIELD_LENGTH } from "../protocol/limits";
import type { ChatRoom } from "../protocol/payloads";

/** A variable that cannot be used. The message is one line that names the variable. */
export class ConfigError extends Error {}

type Check = (given: string) => boolean;

export interface Kind<Value> {
  /** As docs/CONFIGURATION.md shows it: `integer, 1 to 10`. */
  type: string;
  unit?: string | undefined;
  /** Converts text that is trimmed and not empty. The message of an error continues after the variable's name. */
  parse: (given: string) => Value;
}

export interface Variable<Value> extends Kind<Value> {
  description: string;
  /** The value while the variable is not set. */
  default: Value;
  /** The default as Markdown, or what the service does without the variable. */
  defaultText: string;
}

export function variable<Value>(kind: Kind<Value>, text: string, description: string): Variable<Value> {
  return { ...kind, description, default: kind.parse(text), defaultText: `\`${text}\`` };
}

/** A variable that is undefined while it is not set. `unset` says what the service does then, as Markdown. */
export function optional<T>(kind: Kind<T>, unset: string, description: string): Variable<T | undefined> {
  return { ...kind, description, default: undefined, defaultText: unset };
}

const MAX_INTEGER = 1e12; // larger than any sensible value; no text mentions it
const ROOM_NAME = /^\/[a-z0-9][a-z0-9_-]*$/;
type Range = { min?: number; max?: number; unit?: string };

/** A whole number from `min` (default 0) to `max` (default 1e12). */
export function integer(value: number, range: Range, description: string): Variable<number> {
  const { min = 0, max = MAX_INTEGER, unit } = range;
  const limits = max === MAX_INTEGER ? `at least ${String(min)}` : `${String(min)} to ${String(max)}`;
  const isValid = (given: string) => /^\d+$/.test(given) && Number(given) >= min && Number(given) <= max;
  const { type, parse } = text(`integer, ${limits}`, isValid, `must be a whole number, ${limits}`);
  return variable({ type, unit, parse: (given) => Number(parse(given)) }, String(value), description);
}

export function oneOf(...values: string[]): Kind<string> {
  const type = `one of ${values.map((value) => `\`${value}\``).join(", ")}`;
  return text(type, (given) => values.includes(given), `must be one of ${values.join(", ")}`);
}

const { parse: parseSwitch } = oneOf("on", "off");
/** True for `on`. */
export const ON_OFF: Kind<boolean> = { type: "`on` or `off`", parse: (given) => parseSwitch(given) === "on" };

export const TEXT: Kind<string> = { type: "text", parse: (given) => given };

export function matching(pattern: RegExp): Kind<string> {
  const { source } = pattern;
  return text(`text that matches \`${source}\``, (given) => pattern.test(given), `must match ${source}`);
}

/** A secret of the form `rule`, for example `at least 32 bytes`. */
export function secret(rule: string, isValid: Check): Kind<string> {
  return text(`secret, ${rule}`, isValid, `must have ${rule}`, { isSecret: true });
}

/** A URL that `isValid`. It may hold a password, so an error shows the `form` instead. */
export function url(form: string, isValid: (url: URL) => boolean): Kind<string> {
  const isUrl = (given: string) => URL.canParse(given) && isValid(new URL(given));
  return text("URL", isUrl, `must be a URL like ${form}`, { isSecret: true });
}

const ORIGIN = text(
  "origin",
  (given) => given === ANY_ORIGIN || (URL.canParse(given) && new URL(given).origin === given),
  "must list origins like https://chat.example.com, or *",
);
export const ORIGINS: Kind<string[]> = {
  type: "origins, separated by commas",
  parse: (given) => given.split(",").map((origin) => ORIGIN.parse(origin.trim())),
};

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

/** Text that `isValid`. An error says what it `must` be, and does not show a secret. */
function text(type: string, isValid: Check, must: string, { isSecret = false } = {}): Kind<string> {
  const parse = (given: string) => {
    if (isValid(given)) return given;
    throw new Error(isSecret ? must : `${must}, not "${given}"`);
  };
  return { type, parse };
}

/** Reads the variables in the order of the table. Throws a ConfigError for the first one that cannot be used. */
export function readVariables<T extends Record<string, Variable<unknown>>>(table: T, env: NodeJS.ProcessEnv) {
  const values = Object.entries(table).map(([name, { default: fallback, parse }]) => {
    const given = givenText(env, name);
    try {
      return [name, given === undefined ? fallback : parse(given)];
    } catch (error) {
      const problem = (error as Error).message.replace(/[\r\n]+/g, " "); // the value may have line breaks
      throw new ConfigError(`${name} ${problem}`);
    }
  });
  return Object.fromEntries(values) as { readonly [Name in keyof T]: T[Name]["default"] };
}

/** Shells and dashboards unset a variable by making it empty, so empty counts as not set. */
export function givenText(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}
