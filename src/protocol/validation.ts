import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { MAX_ERROR_LINES } from "./limits";
import { ChatError, REFUSALS, type Refusal } from "./refusals";
import type { HandshakeAuth, NewMessage, NewPresenceInformation, NewTypingInformation } from "./payloads";

const MAX_KEYS = 32; // explained per object: every further one could only repeat a line

// src/ and dist/ lie equally deep, so one path serves ts-node and compiled code.
const SCHEMA_FILE = join(__dirname, "../../schemas/payloads.json");

interface SchemaFile {
  definitions: Record<string, { properties?: Record<string, unknown> }>;
}

const schemaFile = JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as SchemaFile;

const definitions = Object.values(schemaFile.definitions);
const KNOWN_KEYS = new Set(definitions.flatMap(({ properties = {} }) => Object.keys(properties)));

// ownProperties: without it `{}` has a "constructor".
const failFast = new Ajv({ ownProperties: true }).addSchema(schemaFile, "payloads");
const explain = new Ajv({ ownProperties: true, allErrors: true }).addSchema(schemaFile, "payloads");

/** Checks an unknown payload and returns it typed, or throws the ChatError of its event. */
export type Validate<T> = (payload: unknown) => T;

export const validateNewMessage = validator<NewMessage>("NewMessage", REFUSALS.messageNotValid);
export const validateNewPresenceInformation = validator<NewPresenceInformation>(
  "NewPresenceInformation",
  REFUSALS.userInfoNotValid,
);
export const validateNewTypingInformation = validator<NewTypingInformation>(
  "NewTypingInformation",
  REFUSALS.typingInfoNotValid,
);
export const validateHandshakeAuth = validator<HandshakeAuth>("HandshakeAuth", REFUSALS.handshakeNotValid);

function validator<T>(typeName: string, refusal: Refusal): Validate<T> {
  const isValid = compiled<T>(failFast, typeName);
  const findAll = compiled<T>(explain, typeName);
  return (payload) => {
    if (isValid(payload)) return payload;
    findAll(bounded(payload));
    // What was wrong may be the very number of keys, of which few are left to explain.
    const errors = findAll.errors ?? isValid.errors ?? [];
    throw new ChatError(refusal, errors.slice(0, MAX_ERROR_LINES).map(wording));
  };
}

function compiled<T>(ajv: Ajv, typeName: string): ValidateFunction<T> {
  const check = ajv.getSchema<T>(`payloads#/definitions/${typeName}`);
  if (check === undefined) throw new Error(`${SCHEMA_FILE} has no ${typeName}: run npm run schemas`);
  return check as ValidateFunction<T>;
}

/**
 * What is worth explaining of a refused payload: looking for all errors costs one object for each key too
 * many, and a hostile client sends thousands. Deeper levels than a room's own fields are never looked at.
 */
function bounded(value: unknown, depth = 2): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth === 0) return value;
  const entries = Object.entries(value).filter(([key], index) => index < MAX_KEYS || KNOWN_KEYS.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, bounded(inner, depth - 1)]));
}

/** Clients in the field match on the wording of Ajv 6 (PROTOCOL: refusals); Ajv 8 says it differently. */
function wording(error: ErrorObject): string {
  const limit = String((error.params as { limit?: number }).limit);
  if (error.keyword === "maxLength") return `should NOT be longer than ${limit} characters`;
  if (error.keyword === "minLength") return `should NOT be shorter than ${limit} characters`;
  return (error.message ?? "must be valid").replace(/^must /, "should ");
}
