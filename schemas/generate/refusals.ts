import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { ChatError, REFUSALS, type ErrorEnvelope } from "../../src/protocol/refusals";
import type { ConnectError } from "../../src/protocol/events";
import { schemaRef, type Json } from "./json";

export type RefusalKey = keyof typeof REFUSALS;

export const REFUSAL_KEYS = Object.keys(REFUSALS) as RefusalKey[];

const CATALOGUE = join(__dirname, "../../src/protocol/refusals.ts");

/** The envelope that a client gets. */
export function refused(key: RefusalKey, errors: readonly string[] = []): ErrorEnvelope {
  return new ChatError(REFUSALS[key], errors).toEnvelope();
}

/** The same, as a handshake's `connect_error` has it. */
export function notConnected(key: RefusalKey, errors?: string[]): ConnectError {
  const { message, status } = REFUSALS[key];
  return { message, data: { status, ...(errors && { errors }) } };
}

/** One schema for each refusal: the error envelope with this message and this status. */
export function refusalSchemas(): Record<string, Json> {
  const reasons = comments();
  const schemas = REFUSAL_KEYS.map((key) => {
    const { message, status } = REFUSALS[key];
    const properties = { error: { properties: { message: { const: message }, status: { const: status } } } };
    const schema = { description: reasons.get(key), allOf: [schemaRef("ErrorEnvelope"), { properties }] };
    return [`Refusal.${key}`, schema];
  });
  return Object.fromEntries(schemas) as Record<string, Json>;
}

/** As `refusalSchemas`, of a handshake's refusals. */
export function connectErrorSchema(key: RefusalKey): Json {
  const { message, status } = REFUSALS[key];
  const properties = { message: { const: message }, data: { properties: { status: { const: status } } } };
  return { allOf: [schemaRef("ConnectError"), { properties }] };
}

/** What stands above each entry of the catalogue: the schema generator reads comments of types, not of values. */
function comments(): Map<string, string> {
  const source = ts.createSourceFile(
    CATALOGUE,
    readFileSync(CATALOGUE, "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found = new Map<string, string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node)) {
      const [comment] = ts.getJSDocCommentsAndTags(node);
      const text = ts.getTextOfJSDocComment(comment?.comment)?.replaceAll(/\s+/g, " ");
      if (text !== undefined) found.set(node.name.getText(source), text);
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}
