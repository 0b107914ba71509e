import { REFUSALS } from "../../src/protocol/refusals";
import { ROUTES, type Example, type Route } from "./routes";
import { ASSIGNED_BY_SERVER, CIRCUMSTANCES } from "./dialogue";
import { componentsOf, ref, refusalName, type Json, type RefusalKey } from "./typeSchemas";

const DESCRIPTION = `The HTTP routes of the chat service. Its events, and Socket.IO's own path \`/socket.io/\`, are described in asyncapi.json.

- Every JSON body is an envelope: either \`data\` or \`error\` is null.
- Each path accepts GET and HEAD; all other methods are refused.
- An example has \`x-request\`, the request, and \`x-given\`, what it requires before. An \`excerpt\` is a part of the answer.`;

const TAGS = [
  { name: "chat", description: "For the frontends of the chat" },
  { name: "page", description: "The chat page" },
  { name: "documents", description: "Sources for generated clients and checks" },
  { name: "operations", description: "For operators" },
];

const BEARER = { type: "http", scheme: "bearer" };
const SECURITY_SCHEMES = {
  token: { ...BEARER, bearerFormat: "JWT", description: "Required if JWT_SECRET or JWKS_URL is set." },
  metricsToken: { ...BEARER, description: "The value of METRICS_TOKEN." },
};

/** The header that comes with a refusal. */
const REFUSAL_HEADERS: Partial<Record<RefusalKey, Json>> = {
  methodNotAllowed: { Allow: { schema: { type: "string" }, example: "GET, HEAD" } },
  unauthorized: { "WWW-Authenticate": { schema: { type: "string" }, example: "Bearer" } },
};

/** Returns openapi.json. `info`: what both documents have. */
export function openApi(info: Json & { license: { name: string } }, schemas: Record<string, Json>): Json {
  const paths = Object.fromEntries(ROUTES.map((route) => [route.path, pathItem(route)]));
  return {
    openapi: "3.1.0",
    info: { ...info, description: DESCRIPTION, license: { ...info.license, identifier: info.license.name } },
    servers: [{ url: "/", description: "The server that this document comes from" }],
    security: [],
    tags: TAGS,
    paths,
    components: { schemas: componentsOf(paths, schemas), securitySchemes: SECURITY_SCHEMES },
    "x-assigned-by-server": ASSIGNED_BY_SERVER,
    "x-circumstances": CIRCUMSTANCES,
  };
}

const statusOf = ({ refusal }: Route["rows"][number]) => (refusal ? REFUSALS[refusal].status : 200);

function pathItem(route: Route): Json {
  const statuses = new Set(route.rows.map(statusOf));
  const responses = [...statuses].map((status) => [status, response(route, status)]);
  return { get: { ...route.operation, responses: Object.fromEntries(responses) as Json } };
}

/** Returns the answer with this status: the one that succeeds, or the refusals that have it in common. */
function response({ path, operation, answer, rows, ...defaults }: Route, status: number): Json {
  const same = rows.filter((row) => statusOf(row) === status);
  const keys = same.flatMap(({ refusal }) => refusal ?? []);
  const [first, ...more] = keys.map((key) => ref(refusalName(key)));
  const body = first ? (more.length === 0 ? first : { anyOf: [first, ...more] }) : answer;
  const [type, schema] = typeof body === "string" ? [body, { type: "string" }] : ["application/json", body];
  const examples = same.map(({ name, value, given, method = "GET", headers, times, ...row }) => {
    const request = { method, path: row.path ?? path.replace("{room}", "cooking"), headers, times };
    return [name, { value, "x-request": request, "x-given": given ?? defaults.given } satisfies Example];
  });
  return {
    description: keys.map((key) => REFUSALS[key].message).join(", or: ") || operation.summary,
    headers: Object.assign({}, ...keys.map((key) => REFUSAL_HEADERS[key])) as Json,
    content: { [type]: { schema, examples: Object.fromEntries(examples) as Json } },
  };
}
