import { join } from "node:path";
import { createGenerator, type Config } from "ts-json-schema-generator";
import type { Json } from "./json";

const ROOT = join(__dirname, "../..");
const DEFINITIONS = "#/definitions/";

/** The schemas of every type that `src/protocol/payloads.ts` exports, which `validate.ts` compiles. */
export function payloadSchemas(): Json {
  return schemasOf("src/protocol/payloads.ts", "*") as unknown as Json;
}

/** The schemas of every shape in `shapes.ts` and of what those consist of, as `components` of a document. */
export function shapeSchemas(): Record<string, Json> {
  const { Shapes, ...definitions } = schemasOf("schemas/generate/shapes.ts", "Shapes").definitions;
  // `DataEnvelope<ChatMessage>` is no name that documents allow; in Shapes it has one that they do.
  const shapes = Object.entries(Shapes?.properties as Record<string, { $ref: string }>);
  const names = new Map(shapes.map(([name, { $ref }]) => [definitionName($ref), name]));
  const rename = (name: string) => names.get(name) ?? name;
  const schemas = Object.entries(definitions).map(([name, schema]) => [
    rename(name),
    withRefs(schema, (ref) => `#/components/schemas/${rename(definitionName(ref))}`),
  ]);
  return Object.fromEntries(schemas) as Record<string, Json>;
}

function schemasOf(path: string, type: string): { definitions: Record<string, Json> } {
  const config: Config = {
    path: join(ROOT, path),
    tsconfig: join(ROOT, "tsconfig.json"),
    type,
    sortProps: false, // their order is the order in which missing ones are reported
    skipTypeCheck: true, // `npm run typecheck` has its own run
  };
  return createGenerator(config).createSchema(type) as { definitions: Record<string, Json> };
}

function definitionName(ref: string): string {
  return decodeURIComponent(ref.slice(DEFINITIONS.length));
}

function withRefs(value: unknown, change: (ref: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withRefs(item, change));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    key === "$ref" ? change(String(inner)) : withRefs(inner, change),
  ]);
  return Object.fromEntries(entries);
}
