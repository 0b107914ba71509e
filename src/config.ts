import type { AuthSettings } from "./access/authenticator";
import { roomsFile } from "./config/roomsFile";
import {
  ConfigError,
  givenText,
  integer,
  onOff,
  oneOf,
  optionalText,
  origins,
  readVariables,
  secret,
  text,
  url,
  type Environment,
  type ValuesOf,
} from "./config/variable";
import { DEFAULT_LIMITS, type ChatLimits } from "./connections/limits";
import { MAX_MISSED_MESSAGES, MAX_USERNAME_LENGTH } from "./protocol/limits";
import type { RedisSettings } from "./redis/redisConnection";

export { ConfigError };

const SERVER = {
  PORT: integer({ default: 34_000, max: 65_535, description: "The port to listen on; 0 takes a free one." }),
  HOST: optionalText({ unset: "every interface", description: "The address to listen on." }),
  ALLOWED_ORIGINS: origins({
    default: "http://localhost:3000",
    description:
      "The origins of web pages that may connect, separated by commas; `*` allows every origin. " +
      "The server's own origin and clients that send no `Origin` may always connect.",
  }),
  TRUST_PROXY: integer({
    default: 0,
    max: 10,
    unit: "proxies",
    description:
      "The number of proxies before the server. Their `X-Forwarded-For` and `X-Forwarded-Proto` count. " +
      "Set 1 behind Heroku's router or one nginx.",
  }),
  CHAT_PAGE: onOff({ default: "on", description: "`off` removes the chat page at `/chat`." }),
  LOG_LEVEL: oneOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"], {
    default: "info",
    description: "Log lines below this level are not written.",
  }),
  METRICS_TOKEN: secret({
    rule: "at least 16 characters, ASCII without spaces",
    isValid: (given) => /^[\x21-\x7e]{16,}$/.test(given), // fits into an Authorization header
    unset: "no `/metrics`",
    description: "Serves `/metrics` to requests with `Authorization: Bearer <METRICS_TOKEN>`.",
  }),
};

const MESSAGES = {
  ROOMS_FILE: roomsFile({
    description:
      'The rooms, as `[{ "label": "Cooking", "name": "/cooking" }, …]`. Each name is unique and matches ' +
      "`^/[a-z0-9][a-z0-9_-]*$`.",
  }),
  DATA_DIR: text({
    default: "./data",
    description:
      "The directory of the messages. The service creates it. One process at a time can use it. " +
      "Not used with `REDIS_URL`.",
  }),
  HISTORY_MAX_MESSAGES: integer({
    default: 10_000,
    min: 1,
    unit: "messages",
    description: "How many messages each room keeps. Raise it if users look further back.",
  }),
  REPLAY_ON_CONNECT: integer({
    default: 0,
    max: MAX_MISSED_MESSAGES,
    unit: "messages",
    description:
      "How many messages of each room a client that does not resume receives on connecting, as ordinary events. " +
      "For frontends that know neither history nor resuming.",
  }),
};

const REDIS = {
  REDIS_URL: url({
    protocols: ["redis:", "rediss:"],
    form: "redis://[user:password@]host:port or rediss://…",
    unset: "one node, without Redis",
    description:
      "`redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. Messages and presence are kept in " +
      "Redis, and all nodes with the same URL and prefix are one service.",
  }),
  REDIS_KEY_PREFIX: text({
    default: "chat",
    pattern: /^[a-zA-Z0-9:_-]{1,64}$/,
    description: "The start of every key and channel, so that several services can share one Redis.",
  }),
  REDIS_TLS_VERIFY: onOff({
    default: "on",
    description: "`off` accepts any certificate, for providers with self-signed certificates such as Heroku.",
  }),
};

const SIGN_IN = {
  JWT_SECRET: secret({
    rule: "at least 32 bytes", // HS256 must not have a key smaller than its hash (RFC 7518, section 3.2)
    isValid: (given) => Buffer.byteLength(given) >= 32,
    unset: "no sign-in",
    description: "Every client needs a token that is signed with this secret (HS256). Excludes `JWKS_URL`.",
  }),
  JWKS_URL: url({
    protocols: ["https:", "http:"],
    form: "https://id.example.com/keys",
    unset: "no sign-in",
    description:
      "Every client needs a token that one of the public keys at this URL verifies. The keys are read again every " +
      "10 minutes, and at most every 5 s when a token names an unknown key. While the URL does not answer, " +
      "known keys stay valid for a day. Excludes `JWT_SECRET`.",
  }),
  JWT_ISSUER: optionalText({ unset: "any issuer", description: "The `iss` that every token must have." }),
  JWT_AUDIENCE: optionalText({
    unset: "any audience",
    description: "The `aud` that every token must have, alone or in a list.",
  }),
  JWT_USERNAME_CLAIM: text({
    default: "sub", // RFC 7519, section 4.1.2
    description:
      `The claim with the client's username, a string of 1 to ${String(MAX_USERNAME_LENGTH)} characters. ` +
      "Name another claim if `sub` is an identifier that users must not see.",
  }),
};

const RATES = {
  MESSAGES_PER_SECOND: integer({
    default: DEFAULT_LIMITS.messagesPerSecond,
    unit: "messages per second",
    description: "How many messages a connection may send, on average; 0 turns the limit off.",
  }),
  MESSAGES_BURST: integer({
    default: DEFAULT_LIMITS.messagesBurst,
    min: 1,
    unit: "messages",
    description:
      "How many of them a connection may send at once. Not below `MESSAGES_PER_SECOND`. " +
      "The average is taken over `MESSAGES_BURST / MESSAGES_PER_SECOND` seconds, and likewise for the other rates.",
  }),
  PRESENCE_PER_SECOND: integer({
    default: DEFAULT_LIMITS.presencePerSecond,
    unit: "events per second",
    description: "How often a connection may announce its presence; 0 turns the limit off.",
  }),
  PRESENCE_BURST: integer({
    default: DEFAULT_LIMITS.presenceBurst,
    min: 1,
    unit: "events",
    description: "How often at once.",
  }),
  TYPING_PER_SECOND: integer({
    default: DEFAULT_LIMITS.typingPerSecond,
    unit: "events per second",
    description: "How many typing events a connection may send; 0 turns the limit off.",
  }),
  TYPING_BURST: integer({
    default: DEFAULT_LIMITS.typingBurst,
    min: 1,
    unit: "events",
    description: "How many of them at once.",
  }),
  HISTORY_PER_SECOND: integer({
    default: 10,
    unit: "pages per second",
    description: "How many pages of history one address may read; 0 turns the limit off.",
  }),
  HISTORY_BURST: integer({
    default: 50,
    min: 1,
    unit: "pages",
    description: "How many of them at once.",
  }),
};

const CAPS = {
  MAX_CONNECTIONS: integer({
    default: DEFAULT_LIMITS.maxConnections,
    unit: "connections",
    description: "The largest number of open connections; 0 means no cap.",
  }),
  MAX_CONNECTIONS_PER_IP: integer({
    default: DEFAULT_LIMITS.maxConnectionsPerIp,
    unit: "connections",
    description:
      "The largest number of open connections of one address; 0 means no cap. Behind a proxy set `TRUST_PROXY` as well, " +
      "or all clients share the proxy's address.",
  }),
  MAX_PENDING_BYTES: integer({
    default: DEFAULT_LIMITS.maxPendingBytes,
    min: 1_024,
    unit: "bytes",
    description:
      "A client that reads too slowly is disconnected when more than this waits for it. " +
      "Raise it if slow but well-behaved clients are disconnected in busy rooms.",
  }),
  PRESENCE_BYTES_PER_SECOND: integer({
    default: DEFAULT_LIMITS.presenceBytesPerSecond,
    min: 1,
    unit: "bytes per second",
    description:
      "The budget of presence over all clients of a node; snapshots and differences have one each. " +
      "Lower it if presence takes bandwidth that messages need.",
  }),
  PRESENCE_BURST_BYTES: integer({
    default: DEFAULT_LIMITS.presenceBurstBytes,
    min: 1,
    unit: "bytes",
    description: "How much of that budget can be spent at once after a quiet time.",
  }),
};

/** The table: heading of a section in docs/CONFIGURATION.md → its variables. */
export const VARIABLE_GROUPS = {
  Server: SERVER,
  "Rooms and messages": MESSAGES,
  "Several nodes": REDIS,
  "Sign-in": SIGN_IN,
  "Rate limits": RATES,
  "Caps and budgets": CAPS,
};

export const VARIABLES = { ...SERVER, ...MESSAGES, ...REDIS, ...SIGN_IN, ...RATES, ...CAPS };

/** Variables of earlier versions → what to do instead. A service that is started with one of them does not start. */
const REMOVED_VARIABLES: Readonly<Record<string, string>> = {
  WORKERS: "start several processes with one REDIS_URL behind nginx (docs/DEPLOYING.md)",
};

type Values = ValuesOf<typeof VARIABLES>;

export type Config = ReturnType<typeof loadConfig>;

/** Reads and checks every variable. Throws a ConfigError for the first one that cannot be used. */
export function loadConfig(env: Environment = process.env) {
  const values = readVariables(VARIABLES, env);
  for (const [name, instead] of Object.entries(REMOVED_VARIABLES))
    if (givenText(env, name) !== undefined)
      throw new ConfigError(`${name} is not supported any more: ${instead}`);
  for (const kind of ["MESSAGES", "PRESENCE", "TYPING", "HISTORY"] as const) checkBurst(kind, values);
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
    chatRooms: values.ROOMS_FILE,
    dataDir: values.DATA_DIR,
    historyMaxMessages: values.HISTORY_MAX_MESSAGES,
    replayOnConnect: values.REPLAY_ON_CONNECT,
    historyPerSecond: values.HISTORY_PER_SECOND,
    historyBurst: values.HISTORY_BURST,
    redis: redis(values),
    auth: auth(values, env),
    limits: limits(values),
  });
}

/** Undefined: this process is the only node. */
function redis(values: Values): RedisSettings | undefined {
  const { REDIS_URL, REDIS_KEY_PREFIX, REDIS_TLS_VERIFY } = values;
  if (REDIS_URL === undefined) return undefined;
  return { url: REDIS_URL, keyPrefix: REDIS_KEY_PREFIX, verifyTls: REDIS_TLS_VERIFY };
}

/** Undefined: sign-in is off. */
function auth(values: Values, env: Environment): AuthSettings | undefined {
  const { JWT_SECRET, JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, JWT_USERNAME_CLAIM } = values;
  // A secret that was lost on its way here must not turn sign-in off.
  for (const name of ["JWT_SECRET", "JWKS_URL"])
    if (env[name] !== undefined && givenText(env, name) === undefined)
      throw new ConfigError(`${name} is empty`);
  if (JWT_SECRET !== undefined && JWKS_URL !== undefined)
    throw new ConfigError("JWT_SECRET and JWKS_URL exclude each other: tokens have one kind of signature");
  const required = { issuer: JWT_ISSUER, audience: JWT_AUDIENCE, usernameClaim: JWT_USERNAME_CLAIM };
  if (JWT_SECRET !== undefined) return { key: { secret: JWT_SECRET }, ...required };
  if (JWKS_URL !== undefined) return { key: { jwksUrl: JWKS_URL }, ...required };
  // An operator who sets one of these expects that tokens are verified.
  if (["JWT_ISSUER", "JWT_AUDIENCE", "JWT_USERNAME_CLAIM"].some((name) => givenText(env, name) !== undefined))
    throw new ConfigError("JWT_ISSUER, JWT_AUDIENCE and JWT_USERNAME_CLAIM need JWT_SECRET or JWKS_URL");
  return undefined;
}

function limits(values: Values): ChatLimits {
  return {
    messagesPerSecond: values.MESSAGES_PER_SECOND,
    messagesBurst: values.MESSAGES_BURST,
    presencePerSecond: values.PRESENCE_PER_SECOND,
    presenceBurst: values.PRESENCE_BURST,
    typingPerSecond: values.TYPING_PER_SECOND,
    typingBurst: values.TYPING_BURST,
    maxPendingBytes: values.MAX_PENDING_BYTES,
    presenceBytesPerSecond: values.PRESENCE_BYTES_PER_SECOND,
    presenceBurstBytes: values.PRESENCE_BURST_BYTES,
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerIp: values.MAX_CONNECTIONS_PER_IP,
  };
}

function checkBurst(kind: "MESSAGES" | "PRESENCE" | "TYPING" | "HISTORY", values: Values): void {
  const [burst, rate] = [values[`${kind}_BURST`], values[`${kind}_PER_SECOND`]];
  if (burst >= rate) return;
  throw new ConfigError(
    `${kind}_BURST (${String(burst)}) must not be below ${kind}_PER_SECOND (${String(rate)})`,
  );
}
