import { join } from "node:path";
import { createGenerator } from "ts-json-schema-generator";
import { REFUSALS, type Refusal } from "../../src/protocol/refusals";

/** An object in a JSON document. */
export type Json = Record<string, unknown>;
export type RefusalKey = keyof typeof REFUSALS;

const ROOT = join(__dirname, "../..");
const DEFINITIONS = "#/definitions/";
const COMPONENTS = "#/components/schemas/";

/** Returns payloads.json: the schemas of what clients send, which `src/protocol/validation.ts` compiles. */
export function payloadSchemas(): Json {
  return schemasOf("payloads") as unknown as Json;
}

/**
 * Returns the schemas that documents refer to, by component name. `<T>` is a type of `src/protocol`, `<T>Envelope`
 * its envelope, and `<Key>Refusal` and `<Key>ConnectError` are the two forms of a refusal. No schema has an object
 * within it that has properties and no name, because code generators invent names for those.
 */
export function componentSchemas(): Record<string, Json> {
  const { definitions } = schemasOf("{payloads,events,answers}");
  const components: Record<string, Json> = { Anything: {}, Nothing: object({}) };
  for (const [name, schema] of Object.entries(definitions)) components[name] = withComponentRefs(schema);
  for (const name of Object.keys(components))
    components[`${name}Envelope`] = object({ data: ref(name), error: { type: "null" } });
  for (const [key, refusal] of Object.entries(REFUSALS))
    Object.assign(components, refusalSchemas(key, refusal));
  for (const [name, schema] of Object.entries(components)) components[name] = { title: name, ...schema };
  return components;
}

/** Returns a reference to a component. */
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
  return [...JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name = ""]) => name,
  );
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

function schemasOf(files: string): { definitions: Record<string, Json> } {
  const generator = createGenerator({
    path: join(ROOT, `src/protocol/${files}.ts`),
    tsconfig: join(ROOT, "tsconfig.json"),
    type: "*",
    functions: "hide",
    sortProps: false, // the order of the properties is the order in which missing ones are reported
    skipTypeCheck: true, // `npm run typecheck` checks them
  });
  return generator.createSchema("*") as { definitions: Record<string, Json> };
}

function withComponentRefs(schema: Json): Json {
  return JSON.parse(
    JSON.stringify(schema).replaceAll(`"$ref":"${DEFINITIONS}`, `"$ref":"${COMPONENTS}`),
  ) as Json;
}
