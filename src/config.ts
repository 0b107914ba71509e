import { readFileSync } from "node:fs";
import type { AuthSettings } from "./access/authenticator";
import { DEFAULT_LIMITS, type ChatLimits } from "./connections/limits";
import { DEFAULT_ROOMS } from "./protocol/rooms";
import { ANY_ORIGIN } from "./access/origins";
import { MAX_MISSED_MESSAGES, MAX_ROOM_FIELD_LENGTH } from "./protocol/limits";
import type { ChatRoom } from "./protocol/payloads";
import type { RedisSettings } from "./redis/redisConnection";

export interface Config {
  port: number;
  /** Undefined: every interface, IPv6 and IPv4. */
  host: string | undefined;
  allowedOrigins: readonly string[];
  chatRooms: readonly ChatRoom[];
  logLevel: string;
  /** Where messages are kept, unless they are in Redis. */
  dataDir: string;
  /** Undefined: this process is the only one. */
  redis: RedisSettings | undefined;
  /** Messages kept per room. */
  historyMaxMessages: number;
  /** Messages of each room that a client which cannot resume gets on connecting. */
  replayOnConnect: number;
  /** Pages of history per second and address; 0 turns the limit off. */
  historyPerSecond: number;
  historyBurst: number;
  /** Proxies before the server whose forwarding headers count. */
  trustProxy: number;
  /** Who sends it may read `/metrics`; undefined: nobody may. */
  metricsToken: string | undefined;
  /** Whether the chat page is served at `/chat`. */
  chatPage: boolean;
  /** Undefined: anybody may come in, under any name. */
  auth: AuthSettings | undefined;
  limits: ChatLimits;
}

const DEFAULTS = {
  port: 34_000,
  allowedOrigins: "http://localhost:3000", // where frontends run in development; name your own in production
  logLevel: "info",
  dataDir: "./data",
  redisKeyPrefix: "chat", // one for each service that shares the Redis
  redisTlsVerify: "on", // off for providers that sign their own certificates
  historyMaxMessages: 10_000, // per room; raise it for rooms whose people look further back
  replayOnConnect: 0, // messages; for frontends that know neither history nor resuming
  historyPerSecond: 10,
  historyBurst: 50,
  trustProxy: 0, // hops; 1 behind Heroku's router or one nginx
  chatPage: "on", // off where only your own frontend should be seen
  jwtUsernameClaim: "sub", // RFC 7519's; another where that is a number that nobody should see
};

/** Variables of earlier versions → what to do instead. A service that is started with one of them does not start. */
export const REMOVED_VARIABLES: Readonly<Record<string, string>> = {
  WORKERS: "start several processes with one REDIS_URL behind nginx (docs/DEPLOYING.md)",
};

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];
const SECRET = /^[\x21-\x7e]{16,}$/; // what fits into an Authorization header and cannot be guessed
const MIN_JWT_SECRET = 32; // bytes: HS256 must not have a key smaller than its hash (RFC 7518, section 3.2)
const ROOM_NAME = /^\/[a-z0-9][a-z0-9_-]*$/;
const REDIS_PROTOCOLS = ["redis:", "rediss:"];
const REDIS_KEY_PREFIX = /^[a-zA-Z0-9:_-]{1,64}$/;

/** A setting that cannot be used. The message is one line that names it. */
export class ConfigError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks every setting; throws a ConfigError for the first that cannot be used. */
export function loadConfig(env: Environment = process.env): Readonly<Config> {
  const config: Config = {
    port: integer(env, "PORT", DEFAULTS.port, { max: 65_535 }),
    host: text(env, "HOST"),
    allowedOrigins: origins(text(env, "ALLOWED_ORIGINS") ?? DEFAULTS.allowedOrigins),
    chatRooms: rooms(text(env, "ROOMS_FILE")),
    logLevel: oneOf(LOG_LEVELS, "LOG_LEVEL", text(env, "LOG_LEVEL") ?? DEFAULTS.logLevel),
    dataDir: text(env, "DATA_DIR") ?? DEFAULTS.dataDir,
    redis: redis(env),
    historyMaxMessages: integer(env, "HISTORY_MAX_MESSAGES", DEFAULTS.historyMaxMessages, { min: 1 }),
    replayOnConnect: integer(env, "REPLAY_ON_CONNECT", DEFAULTS.replayOnConnect, {
      max: MAX_MISSED_MESSAGES,
    }),
    historyPerSecond: integer(env, "HISTORY_PER_SECOND", DEFAULTS.historyPerSecond),
    historyBurst: integer(env, "HISTORY_BURST", DEFAULTS.historyBurst, { min: 1 }),
    trustProxy: integer(env, "TRUST_PROXY", DEFAULTS.trustProxy, { max: 10 }),
    metricsToken: secret(env, "METRICS_TOKEN"),
    chatPage: onOff(env, "CHAT_PAGE", DEFAULTS.chatPage),
    auth: auth(env),
    limits: limits(env),
  };
  notBelow("HISTORY_BURST", config.historyBurst, "HISTORY_PER_SECOND", config.historyPerSecond);
  for (const [name, instead] of Object.entries(REMOVED_VARIABLES))
    if (text(env, name) !== undefined) throw new ConfigError(`${name} is not supported any more: ${instead}`);
  return Object.freeze(config);
}

function limits(env: Environment): ChatLimits {
  const atLeast1 = { min: 1 };
  const chatLimits: ChatLimits = {
    messagesPerSecond: integer(env, "MESSAGES_PER_SECOND", DEFAULT_LIMITS.messagesPerSecond),
    messagesBurst: integer(env, "MESSAGES_BURST", DEFAULT_LIMITS.messagesBurst, atLeast1),
    presencePerSecond: integer(env, "PRESENCE_PER_SECOND", DEFAULT_LIMITS.presencePerSecond),
    presenceBurst: integer(env, "PRESENCE_BURST", DEFAULT_LIMITS.presenceBurst, atLeast1),
    typingPerSecond: integer(env, "TYPING_PER_SECOND", DEFAULT_LIMITS.typingPerSecond),
    typingBurst: integer(env, "TYPING_BURST", DEFAULT_LIMITS.typingBurst, atLeast1),
    maxPendingBytes: integer(env, "MAX_PENDING_BYTES", DEFAULT_LIMITS.maxPendingBytes, { min: 1_024 }),
    presenceBytesPerSecond: integer(
      env,
      "PRESENCE_BYTES_PER_SECOND",
      DEFAULT_LIMITS.presenceBytesPerSecond,
      atLeast1,
    ),
    presenceBurstBytes: integer(env, "PRESENCE_BURST_BYTES", DEFAULT_LIMITS.presenceBurstBytes, atLeast1),
    maxConnections: integer(env, "MAX_CONNECTIONS", DEFAULT_LIMITS.maxConnections),
    maxConnectionsPerIp: integer(env, "MAX_CONNECTIONS_PER_IP", DEFAULT_LIMITS.maxConnectionsPerIp),
  };
  notBelow("MESSAGES_BURST", chatLimits.messagesBurst, "MESSAGES_PER_SECOND", chatLimits.messagesPerSecond);
  notBelow("PRESENCE_BURST", chatLimits.presenceBurst, "PRESENCE_PER_SECOND", chatLimits.presencePerSecond);
  notBelow("TYPING_BURST", chatLimits.typingBurst, "TYPING_PER_SECOND", chatLimits.typingPerSecond);
  return chatLimits;
}

function redis(env: Environment): RedisSettings | undefined {
  const url = text(env, "REDIS_URL");
  const keyPrefix = text(env, "REDIS_KEY_PREFIX") ?? DEFAULTS.redisKeyPrefix;
  const verifyTls = onOff(env, "REDIS_TLS_VERIFY", DEFAULTS.redisTlsVerify);
  if (!REDIS_KEY_PREFIX.test(keyPrefix)) {
    throw new ConfigError(`REDIS_KEY_PREFIX must match ${REDIS_KEY_PREFIX.source}, not "${keyPrefix}"`);
  }
  if (url === undefined) return undefined;
  // Never shown: it may hold a password.
  if (!URL.canParse(url) || !REDIS_PROTOCOLS.includes(new URL(url).protocol)) {
    throw new ConfigError("REDIS_URL must be like redis://[user:password@]host:port or rediss://…");
  }
  return { url, keyPrefix, verifyTls };
}

function auth(env: Environment): AuthSettings | undefined {
  const [secret, jwksUrl] = [text(env, "JWT_SECRET"), text(env, "JWKS_URL")];
  for (const name of ["JWT_SECRET", "JWKS_URL"]) {
    // Most likely a secret that got lost on its way here: to let everybody in would be the worst way to say so.
    if (env[name] !== undefined && text(env, name) === undefined) throw new ConfigError(`${name} is empty`);
  }
  const [issuer, audience] = [text(env, "JWT_ISSUER"), text(env, "JWT_AUDIENCE")];
  const usernameClaim = text(env, "JWT_USERNAME_CLAIM");
  if (secret !== undefined && jwksUrl !== undefined)
    throw new ConfigError("JWT_SECRET and JWKS_URL exclude each other: tokens have one kind of signature");
  const key = secret === undefined ? jwksUrl && { jwksUrl: httpUrl("JWKS_URL", jwksUrl) } : jwtSecret(secret);
  if (key) return { key, issuer, audience, usernameClaim: usernameClaim ?? DEFAULTS.jwtUsernameClaim };
  if (issuer === undefined && audience === undefined && usernameClaim === undefined) return undefined;
  // Whoever sets one of them believes that tokens are looked at.
  throw new ConfigError("JWT_ISSUER, JWT_AUDIENCE and JWT_USERNAME_CLAIM need JWT_SECRET or JWKS_URL");
}

function jwtSecret(secret: string): { secret: string } {
  if (Buffer.byteLength(secret) >= MIN_JWT_SECRET) return { secret };
  throw new ConfigError(`JWT_SECRET must have at least ${String(MIN_JWT_SECRET)} bytes`);
}

function httpUrl(name: string, url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new ConfigError(`${name} must be a URL that begins with https:// or http://`);
}

/** Empty counts as not set: that is how shells and dashboards unset a variable. */
function text(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}

/** The message does not repeat what was given: it goes to logs. */
function secret(env: Environment, name: string): string | undefined {
  const given = text(env, name);
  if (given === undefined || SECRET.test(given)) return given;
  throw new ConfigError(`${name} must have at least 16 characters, ASCII without spaces`);
}

function integer(env: Environment, name: string, fallback: number, { min = 0, max = 1e12 } = {}): number {
  const given = text(env, name);
  if (given === undefined) return fallback;
  const value = /^\d+$/.test(given) ? Number(given) : NaN;
  if (value >= min && value <= max) return value;
  const range = max === 1e12 ? `of at least ${String(min)}` : `from ${String(min)} to ${String(max)}`;
  throw new ConfigError(`${name} must be a whole number ${range}, not "${given}"`);
}

function notBelow(name: string, value: number, otherName: string, other: number): void {
  if (value < other)
    throw new ConfigError(`${name} (${String(value)}) must not be below ${otherName} (${String(other)})`);
}

function oneOf(allowed: readonly string[], name: string, value: string): string {
  if (allowed.includes(value)) return value;
  throw new ConfigError(`${name} must be one of ${allowed.join(", ")}, not "${value}"`);
}

function onOff(env: Environment, name: string, fallback: string): boolean {
  return oneOf(["on", "off"], name, text(env, name) ?? fallback) === "on";
}

function origins(list: string): string[] {
  const given = list.split(",").map((origin) => origin.trim());
  for (const origin of given) {
    if (origin === ANY_ORIGIN || (URL.canParse(origin) && new URL(origin).origin === origin)) continue;
    throw new ConfigError(
      `ALLOWED_ORIGINS must list origins like https://chat.example.com, or *, not "${origin}"`,
    );
  }
  return given;
}

function rooms(file: string | undefined): readonly ChatRoom[] {
  if (file === undefined) return DEFAULT_ROOMS;
  const given = parseRoomsFile(file);
  if (!Array.isArray(given) || given.length === 0)
    throw new ConfigError(`ROOMS_FILE ${file} must hold a list of rooms`);
  const list = given.map((entry: unknown) => room(file, entry));
  const repeated = list.find(({ name }, index) => list.findIndex((other) => other.name === name) !== index);
  if (repeated !== undefined) throw new ConfigError(`ROOMS_FILE ${file} names room "${repeated.name}" twice`);
  return list;
}

function parseRoomsFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ConfigError(`ROOMS_FILE ${file} cannot be read: ${(error as Error).message}`);
  }
}

function room(file: string, entry: unknown): ChatRoom {
  const { label, name, ...others } = (entry ?? {}) as Record<string, unknown>;
  const isLabel =
    typeof label === "string" && label.length >= 1 && [...label].length <= MAX_ROOM_FIELD_LENGTH;
  const isName = typeof name === "string" && ROOM_NAME.test(name) && name.length <= MAX_ROOM_FIELD_LENGTH;
  if (isLabel && isName && Object.keys(others).length === 0) return { label, name };
  throw new ConfigError(
    `ROOMS_FILE ${file}: a room is {"label": "Cooking", "name": "/cooking"}, name matching ${ROOM_NAME.source}, ` +
      `not ${JSON.stringify(entry)}`,
  );
}
