import type { AuthSettings } from "./access/authenticator";
import {
  ConfigError,
  givenText,
  integer,
  matching,
  ON_OFF,
  oneOf,
  optional,
  ORIGINS,
  readVariables,
  ROOMS,
  secret,
  TEXT,
  url,
  variable,
} from "./config/variable";
import { DEFAULT_LIMITS, type ChatLimits } from "./connections/limits";
import { MAX_MISSED_MESSAGES } from "./protocol/limits";
import { DEFAULT_ROOMS } from "./protocol/rooms";

export { ConfigError };

const DEFAULT_ROOM_NAMES = DEFAULT_ROOMS.map(({ name }) => `\`${name}\``).join(", ");
const LEVEL = oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent");
const BEARER = secret("at least 16 characters, ASCII without spaces", (given) => /^[!-~]{16,}$/.test(given));
// HS256 must not have a key smaller than its hash (RFC 7518, section 3.2).
const HS256_KEY = secret("at least 32 bytes", (given) => Buffer.byteLength(given) >= 32);
const HTTP_URL = url("https://… without user and password", isKeysUrl);
const REDIS_URL = url("redis://[user:password@]host[:port][/database] or rediss://…", isRedisUrl);
const MIB = 1024 ** 2;
const REPLAYED = { max: MAX_MISSED_MESSAGES, unit: "messages" };
const PREFIX = matching(/^[a-zA-Z0-9:_-]{1,64}$/);

/** The table. docs/generate/configuration.template.md divides it into sections and explains more. */
export const VARIABLES = {
  PORT: integer(34_000, { max: 65_535 }, "The port to listen on; 0 takes a free one."),
  HOST: optional(TEXT, "every interface", "The address to listen on."),
  ALLOWED_ORIGINS: variable(ORIGINS, "http://localhost:3000", "Web pages that may connect; `*` allows all."),
  TRUST_PROXY: integer(0, { max: 10, unit: "proxies" }, "Proxies before the server. Their headers count."),
  CHAT_PAGE: variable(ON_OFF, "on", "`off` removes the chat page at `/chat`."),
  LOG_LEVEL: variable(LEVEL, "info", "Log lines below this level are not written."),
  METRICS_TOKEN: optional(BEARER, "no `/metrics`", "The bearer token of requests for `/metrics`."),

  ROOMS_FILE: optional(ROOMS, DEFAULT_ROOM_NAMES, "The list of rooms."),
  DATA_DIR: variable(TEXT, "./data", "The directory of the messages. Not used with `REDIS_URL`."),
  HISTORY_MAX_MESSAGES: integer(10_000, { min: 1, unit: "messages" }, "Messages that each room keeps."),
  REPLAY_ON_CONNECT: integer(0, REPLAYED, "Messages of each room sent to a client that does not resume."),

  REDIS_URL: optional(REDIS_URL, "one node, without Redis", "The Redis that all nodes of the service share."),
  REDIS_KEY_PREFIX: variable(PREFIX, "chat", "The start of every key and channel in Redis."),
  REDIS_TLS_VERIFY: variable(ON_OFF, "on", "`off` accepts any certificate of Redis."),

  JWT_SECRET: optional(HS256_KEY, "no sign-in", "The secret that signs all tokens (HS256)."),
  JWKS_URL: optional(HTTP_URL, "no sign-in", "The public keys that verify tokens, instead of `JWT_SECRET`."),
  JWT_ISSUER: optional(TEXT, "any issuer", "The `iss` that every token must have."),
  JWT_AUDIENCE: optional(TEXT, "any audience", "The `aud` that every token must have, alone or in a list."),
  JWT_USERNAME_CLAIM: variable(TEXT, "sub", "The claim with the client's username."), // RFC 7519, section 4.1.2

  MESSAGES_PER_SECOND: integer(20, { unit: "messages/s" }, "From one connection, on average; 0: no limit."),
  MESSAGES_BURST: integer(100, { min: 1, unit: "messages" }, "From one connection at once."),
  PRESENCE_PER_SECOND: integer(5, { unit: "events/s" }, "Presence of one connection; 0: no limit."),
  PRESENCE_BURST: integer(20, { min: 1, unit: "events" }, "Presence of one connection at once."),
  TYPING_PER_SECOND: integer(5, { unit: "events/s" }, "Typing of one connection; 0: no limit."),
  TYPING_BURST: integer(20, { min: 1, unit: "events" }, "Typing of one connection at once."),
  HISTORY_PER_SECOND: integer(10, { unit: "pages/s" }, "History that one address reads; 0: no limit."),
  HISTORY_BURST: integer(50, { min: 1, unit: "pages" }, "History that one address reads at once."),

  MAX_CONNECTIONS: integer(0, { unit: "connections" }, "Open connections; 0: no cap."),
  MAX_CONNECTIONS_PER_IP: integer(0, { unit: "connections" }, "Open connections of one address; 0: no cap."),
  MAX_PENDING_BYTES: integer(MIB, { min: 1_024, unit: "bytes" }, "A larger queue disconnects the client."),
  PRESENCE_BYTES_PER_SECOND: integer(64 * MIB, { min: 1, unit: "bytes/s" }, "Presence sent to all clients."),
  PRESENCE_BURST_BYTES: integer(8 * MIB, { min: 1, unit: "bytes" }, "Presence sent to all clients at once."),
};

type Values = ReturnType<typeof readVariables<typeof VARIABLES>>;

export type Config = ReturnType<typeof loadConfig>;

/** Reads and checks every variable. Throws a ConfigError for the first one that cannot be used. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env) {
  const values = readVariables(VARIABLES, env);
  if (givenText(env, "WORKERS") !== undefined)
    throw new ConfigError(
      "WORKERS is not supported any more: start several processes with one REDIS_URL behind nginx (docs/DEPLOYING.md)",
    );
  for (const kind of ["MESSAGES", "PRESENCE", "TYPING", "HISTORY"] as const) {
    const [burst, rate] = [values[`${kind}_BURST`], values[`${kind}_PER_SECOND`]];
    const problem = `(${String(burst)}) must not be below ${kind}_PER_SECOND (${String(rate)})`;
    if (burst < rate) throw new ConfigError(`${kind}_BURST ${problem}`);
  }
  const { REDIS_URL: redisUrl, REDIS_KEY_PREFIX: keyPrefix, REDIS_TLS_VERIFY: verifyTls } = values;
  return Object.freeze({
    port: values.PORT,
    /** Undefined: every interface, IPv6 and IPv4. */
    host: values.HOST,
    allowedOrigins: values.ALLOWED_ORIGINS,
    trustProxy: values.TRUST_PROXY,
    chatPage: values.CHAT_PAGE,
    logLevel: values.LOG_LEVEL,
    /** Undefined: `/metrics` does not exist. */
    metricsToken: values.METRICS_TOKEN,
    chatRooms: values.ROOMS_FILE ?? DEFAULT_ROOMS,
    dataDir: values.DATA_DIR,
    historyMaxMessages: values.HISTORY_MAX_MESSAGES,
    replayOnConnect: values.REPLAY_ON_CONNECT,
    historyPerSecond: values.HISTORY_PER_SECOND,
    historyBurst: values.HISTORY_BURST,
    /** Undefined: this process is the only node. */
    redis: redisUrl === undefined ? undefined : { url: redisUrl, keyPrefix, verifyTls },
    /** Undefined: sign-in is off. */
    auth: auth(values, env),
    limits: limits(values),
  });
}

function auth(values: Values, env: NodeJS.ProcessEnv): AuthSettings | undefined {
  const { JWT_SECRET: secret, JWKS_URL: jwksUrl, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = values;
  // A secret that was lost on its way here must not turn sign-in off.
  for (const name of ["JWT_SECRET", "JWKS_URL"])
    if (env[name]?.trim() === "") throw new ConfigError(`${name} is empty`);
  if (secret !== undefined && jwksUrl !== undefined)
    throw new ConfigError("JWT_SECRET and JWKS_URL exclude each other: tokens have one kind of signature");
  const key = secret !== undefined ? { secret } : jwksUrl !== undefined ? { jwksUrl } : undefined;
  if (key !== undefined) return { key, issuer, audience, usernameClaim: values.JWT_USERNAME_CLAIM };
  // An operator who sets one of these expects that tokens are verified.
  if (["JWT_ISSUER", "JWT_AUDIENCE", "JWT_USERNAME_CLAIM"].some((name) => givenText(env, name) !== undefined))
    throw new ConfigError("JWT_ISSUER, JWT_AUDIENCE and JWT_USERNAME_CLAIM need JWT_SECRET or JWKS_URL");
  return undefined;
}

function isKeysUrl({ protocol, username, password }: URL): boolean {
  return ["https:", "http:"].includes(protocol) && username + password === ""; // fetch() refuses them
}

function isRedisUrl({ protocol, hostname, pathname, username, password }: URL): boolean {
  const isDatabase = /^(\/\d{0,9})?$/.test(pathname); // its number; without one: 0
  return (
    ["redis:", "rediss:"].includes(protocol) &&
    hostname !== "" &&
    isDatabase &&
    canDecode(username + password)
  );
}

function canDecode(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}

/** The limit `messagesPerSecond` is the variable MESSAGES_PER_SECOND, and so on. */
function limits(values: Readonly<Record<string, unknown>>): ChatLimits {
  const nameOf = (limit: string) => limit.replace(/[A-Z]/g, "_$&").toUpperCase();
  const entries = Object.keys(DEFAULT_LIMITS).map((limit) => [limit, values[nameOf(limit)]]);
  return Object.fromEntries(entries) as ChatLimits;
}
