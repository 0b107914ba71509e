/** The documents that `npm run schemas` generates, by their names under `/schemas/`. */
export const SCHEMA_FILES = ["payloads.json", "asyncapi.json", "openapi.json"] as const;
