/** A part of a document, as JSON has it. */
export type Json = Record<string, unknown>;

/** Where a document keeps the shapes that it refers to. */
export function schemaRef(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** Those of the schemas that the part of a document refers to, and those that these refer to. */
export function referredTo(part: Json, schemas: Record<string, Json>): Record<string, Json> {
  const names = new Set(refsOf(part));
  for (const name of names) for (const ref of refsOf(schemas[name])) names.add(ref);
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => names.has(name)));
}

function refsOf(part: unknown): string[] {
  const refs = JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
  return [...refs].map(([, name = ""]) => name);
}
