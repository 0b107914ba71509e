import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ErrorObject } from "ajv";
import { MAX_ERROR_LINES } from "./limits";
import { ChatError, REFUSALS, type Refusal } from "./refusals";
import type { HandshakeAuth, NewMessage, NewPresenceInformation, NewTypingInformation } from "./payloads";

const SCHEMA_FILE = join(__dirname, "../../schemas/payloads.json"); // src/ and dist/ are equally deep
const SCHEMA_ID = "payloads";
const MAX_LISTED_KEYS = 32; // kept of each object when violations are listed; more can only repeat a line

interface SchemaFile {
  definitions: Record<string, { properties?: object }>;
}

/** Checks an unknown payload and returns it typed; throws the ChatError of its event if it does not fit. */
export type Validate<T> = (payload: unknown) => T;

const schemaFile = JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as SchemaFile;
const schemas = Object.values(schemaFile.definitions);
const schemaKeys = schemas.flatMap(({ properties = {} }) => Object.keys(properties));

/*
 * Two compilations of each schema. The first checks every payload and stops at the first violation, which bounds the
 * cost of a hostile payload. The second lists all violations, of a refused payload that is cut down to a bounded size.
 * `ownProperties`: without it an empty object has a property `constructor`.
 */
const stopsAtFirst = new Ajv({ ownProperties: true }).addSchema(schemaFile, SCHEMA_ID);
const listsAll = new Ajv({ ownProperties: true, allErrors: true }).addSchema(schemaFile, SCHEMA_ID);

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
  const schema = { $ref: `${SCHEMA_ID}#/definitions/${typeName}` };
  const isValid = stopsAtFirst.compile<T>(schema);
  const listViolations = listsAll.compile(schema);
  return (payload) => {
    if (isValid(payload)) return payload;
    // If the only violation is too many keys, the cut payload has none, and the first check's violation counts.
    const violations = listViolations(cutDown(payload)) ? isValid.errors : listViolations.errors;
    throw new ChatError(refusal, (violations ?? []).slice(0, MAX_ERROR_LINES).map(wordingOf));
  };
}

/**
 * Returns a copy with at most MAX_LISTED_KEYS keys per object, and all keys that a schema has. Listing all violations
 * creates one object per unknown key, and a hostile client sends thousands of them. Two levels of objects have a
 * schema: the payload and the room in it.
 */
function cutDown(value: unknown, levels = 2): unknown {
  if (levels === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const listed = Object.keys(value).slice(0, MAX_LISTED_KEYS);
  const kept = new Set([...listed, ...schemaKeys.filter((key) => Object.hasOwn(value, key))]);
  return Object.fromEntries(
    [...kept].map((key) => [key, cutDown((value as Record<string, unknown>)[key], levels - 1)]),
  );
}

/** Returns the wording of Ajv 6, which existing clients match on; Ajv 8 has another one. */
function wordingOf({ keyword, params, message = "must be valid" }: ErrorObject): string {
  const limit = String((params as { limit?: number }).limit);
  if (keyword === "maxLength") return `should NOT be longer than ${limit} characters`;
  if (keyword === "minLength") return `should NOT be shorter than ${limit} characters`;
  return message.replace(/^must /, "should ");
}
