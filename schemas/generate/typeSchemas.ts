import { join } from "node:path";
import { createGenerator } from "ts-json-schema-generator";
import { REFUSALS, type Refusal } from "../../src/protocol/refusals";

/** An object in a JSON document. */
export type Json = Record<string, unknown>;
export type RefusalKey = keyof typeof REFUSALS;

const COMPONENTS = "#/components/schemas/";

/** Returns the schemas of all types in these files. Of `payloads`: payloads.json, which the server compiles. */
export function typeSchemas(files: string): Json {
  const generator = createGenerator({
    path: join(__dirname, `../../src/protocol/${files}.ts`),
    tsconfig: join(__dirname, "../../tsconfig.json"),
    type: "*",
    functions: "hide",
    sortProps: false, // the order of the properties is the order in which missing ones are reported
    skipTypeCheck: true, // `npm run typecheck` checks them
  });
  return generator.createSchema("*") as Json;
}

/**
 * Returns the schemas that documents refer to, by component name. `<T>` is a type of `src/protocol`, `<T>Envelope`
 * its envelope, and `<Key>Refusal` and `<Key>ConnectError` are the two forms of a refusal. No schema has an object
 * within it that has properties and no name, because code generators invent names for those.
 */
export function componentSchemas(): Record<string, Json> {
  const types = JSON.stringify(typeSchemas("{payloads,events,answers}").definitions);
  const data = JSON.parse(types.replaceAll('"#/definitions/', `"${COMPONENTS}`)) as Record<string, Json>;
  const components: Record<string, Json> = { Anything: {}, Nothing: object({}), ...data };
  for (const name of Object.keys(components))
    components[`${name}Envelope`] = object({ data: ref(name), error: { type: "null" } });
  for (const [key, refusal] of Object.entries(REFUSALS))
    Object.assign(components, refusalSchemas(key, refusal));
  return Object.fromEntries(
    Object.entries(components).map(([title, schema]) => [title, { title, ...schema }]),
  );
}

export function ref(name: string): Json {
  return { $ref: COMPONENTS + name };
}

/** Returns the name of a refusal's schema in the documents. */
export function refusalName(key: string, form: "Refusal" | "ConnectError" = "Refusal"): string {
  return `${key.charAt(0).toUpperCase()}${key.slice(1)}${form}`;
}

/** Returns the components that the part of a document refers to, directly or through other components. */
export function componentsOf(part: Json, components: Record<string, Json>): Record<string, Json> {
  const names = new Set(refsIn(part));
  for (const name of names) for (const inner of refsIn(components[name])) names.add(inner);
  return Object.fromEntries(Object.entries(components).filter(([name]) => names.has(name)));
}

function refsIn(part: unknown): string[] {
  const refs = JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
  return [...refs].map(([, name = ""]) => name);
}

function refusalSchemas(key: string, { message, status, description }: Refusal): Record<string, Json> {
  const [refusal, connectError] = [refusalName(key), refusalName(key, "ConnectError")];
  const errors = { type: "array", items: { type: "string" } };
  const sentence = { type: "string", const: message };
  const code = { type: "integer", const: status };
  return {
    [refusal]: { description, ...object({ data: { type: "null" }, error: ref(`${refusal}Error`) }) },
    [`${refusal}Error`]: object({ message: sentence, status: code, errors }),
    [connectError]: { description, ...object({ message: sentence, data: ref(`${connectError}Data`) }) },
    [`${connectError}Data`]: { ...object({ status: code, errors }), required: ["status"] },
  };
}

function object(properties: Record<string, Json>): Json {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}
