import { REFUSALS } from "../../src/protocol/refusals";
import { about, LICENSE } from "./info";
import { referredTo, schemaRef, type Json } from "./json";
import { CIRCUMSTANCES } from "./dialogue";
import { REFUSAL_KEYS, refusalSchemas, type RefusalKey } from "./refusals";
import type { HttpExample, Parameter, Route } from "./route";
import { refusedEverywhere, ROUTES } from "./routes";
import { ASSIGNED_BY_SERVER } from "./sampleValues";

const DESCRIPTION = `What the chat service answers over HTTP; its events are described in asyncapi.json, beside this.

- Every JSON body is an envelope: \`data\` or \`error\`, the other one is null.
- Whatever can be had with GET can be asked for with HEAD; all other methods are refused.
- Examples have \`x-request\`, what to ask, and \`x-given\`, what has to be so before.`;

const TAGS = {
  chat: "For the frontends of the chat",
  page: "For people",
  documents: "What clients and checks can be generated from",
  operations: "For who runs the service",
  transport: "What Socket.IO stands on",
};

const SECURITY_SCHEMES = {
  token: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "What says who the client is, where JWT_SECRET or JWKS_URL is set.",
  },
  metricsToken: { type: "http", scheme: "bearer", description: "The value of METRICS_TOKEN." },
};

/** What a refusal says beside its body. */
const REFUSAL_HEADERS: Partial<Record<RefusalKey, [header: string, example: string]>> = {
  methodNotAllowed: ["Allow", "GET, HEAD"],
  unauthorized: ["WWW-Authenticate", "Bearer"],
};

export function openApi(schemas: Record<string, Json>): Json {
  const entries = ROUTES.map((route) => [openApiPath(route.path), { get: operation(route) }]);
  const paths = Object.fromEntries(entries) as Json;
  return {
    openapi: "3.1.0",
    info: { ...about(DESCRIPTION), license: { name: LICENSE, identifier: LICENSE } },
    servers: [{ url: "/", description: "Where this document comes from" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: referredTo(paths, { ...schemas, ...refusalSchemas() }),
      securitySchemes: SECURITY_SCHEMES,
    },
    "x-assigned-by-server": ASSIGNED_BY_SERVER,
    "x-circumstances": CIRCUMSTANCES,
  };
}

/** `/rooms/:room` → `/rooms/{room}` */
export function openApiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}

function operation(route: Route): Json {
  const { operationId, tag, summary, description, parameters, security, examples } = route;
  const all = [...examples, ...refusedEverywhere(route)];
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters && { parameters: parameters.map((parameter) => withExamples(parameter, route)) }),
    ...(security && { security: security.map((name) => (name === "" ? {} : { [name]: [] })) }),
    responses: { 200: answer(route), ...refusals(route, all) },
  };
}

function answer({ answer: { description, contentType, shape }, examples }: Route): Json {
  const schema = shape === undefined ? anyBody(contentType) : schemaRef(shape);
  const shown = examples.filter(({ refusal }) => refusal === undefined);
  return { description, content: { [contentType]: { schema, examples: examplesOf(shown) } } };
}

function anyBody(contentType: string): Json {
  return { type: contentType === "application/json" ? "object" : "string" };
}

/** status → the refusals that have it */
function refusals({ refusals: own }: Route, examples: HttpExample[]): Record<string, Json> {
  const keys = new Set([...own, ...examples.flatMap(({ refusal }) => refusal ?? [])]);
  const statuses = new Set([...keys].map((key) => REFUSALS[key].status));
  const responses = [...statuses].map((status) => {
    const here = REFUSAL_KEYS.filter((key) => keys.has(key) && REFUSALS[key].status === status);
    const shown = examples.filter(({ refusal }) => refusal !== undefined && here.includes(refusal));
    const headers = here.flatMap((key) => REFUSAL_HEADERS[key] ?? []);
    return [String(status), refusalResponse(here, shown, headers)];
  });
  return Object.fromEntries(responses) as Record<string, Json>;
}

function refusalResponse(keys: RefusalKey[], examples: HttpExample[], [header, example]: string[]): Json {
  const schemas = keys.map((key) => schemaRef(`Refusal.${key}`));
  const schema = schemas.length === 1 ? schemas[0] : { oneOf: schemas };
  return {
    description: keys.map((key) => REFUSALS[key].message).join(", or: "),
    ...(header !== undefined && { headers: { [header]: { schema: { type: "string" }, example } } }),
    content: { "application/json": { schema, examples: examplesOf(examples) } },
  };
}

function examplesOf(examples: HttpExample[]): Record<string, Json> {
  const entries = examples.map(({ name, summary, request, given, body, isExcerpt }) => [
    name,
    {
      ...(summary !== undefined && { summary }),
      value: body,
      "x-request": request,
      ...(given && { "x-given": given }),
      ...(isExcerpt === true && { "x-excerpt": true }),
    },
  ]);
  return Object.fromEntries(entries) as Record<string, Json>;
}

/** The values that the route's examples have for a parameter. */
function withExamples(parameter: Parameter, { path, examples }: Route): Json {
  const shown = examples.filter(({ refusal }) => refusal === undefined);
  const values = shown.flatMap(({ name, request }) => {
    const value = valueOf(parameter, path, request.path);
    return value === undefined ? [] : [[name, { value }]];
  });
  return { ...parameter, ...(values.length > 0 && { examples: Object.fromEntries(values) as Json }) };
}

function valueOf({ name, in: where, schema }: Parameter, route: string, path: string): unknown {
  const url = new URL(path, "http://localhost");
  const place = route.split("/").indexOf(`:${name}`);
  const text = where === "query" ? url.searchParams.get(name) : url.pathname.split("/")[place];
  if (text === null || text === undefined) return undefined;
  return (schema as { type?: string }).type === "integer" ? Number(text) : text;
}
