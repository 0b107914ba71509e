import { Redis, type RedisOptions } from "ioredis";

/** Where Redis is and what this service may use there. */
export interface RedisSettings {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. */
  url: string;
  /** Prefix of every key and channel, so that several services can share one Redis. */
  keyPrefix: string;
  /** False accepts any certificate over TLS: for providers with self-signed certificates, such as Heroku. */
  verifyTls: boolean;
}

export interface CommandConnectionOptions {
  /** Shown by Redis' `CLIENT LIST`. */
  name: string;
  /** A command without a reply after this time fails. Default: 1,900, because clients get an answer within 2 s. */
  replyTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** Silence after which TCP probes the connection: a subscription sends no commands whose failure would show a break. */
const TCP_KEEP_ALIVE_MS = 5_000;
/** How long `disconnect()` waits for Redis to close its side. A stuck Redis never does. */
const DISCONNECT_TIMEOUT_MS = 100;
const DEFAULT_REPLY_TIMEOUT_MS = 1_900;
/** How long an unanswered connection stays open after a command on it timed out. */
const CLOSE_DELAY_MS = 100;
const FIRST_RETRY_DELAY_MS = 100;
/** Traffic must resume within 5 s after Redis returns. */
const MAX_RETRY_DELAY_MS = 500;

/**
 * Creates a connection for commands. It connects on `connect()` or `untilReady()`, and reconnects for ever until
 * `disconnect()`. While it is down, commands reject at once and are not queued: a command must not run after its
 * caller was answered with an error.
 */
export function connectionTo(
  settings: RedisSettings,
  { name, replyTimeoutMs = DEFAULT_REPLY_TIMEOUT_MS }: CommandConnectionOptions,
): Redis {
  return open(settings, {
    connectionName: name,
    commandTimeout: replyTimeoutMs,
    // Closing a stuck connection drops the commands that Redis has not read yet: their callers already have errors.
    // It also bounds the memory of that queue, and replaces a connection that broke without a sign.
    socketTimeout: replyTimeoutMs + CLOSE_DELAY_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0, // commands in flight fail when the connection breaks
  });
}

/** Creates a connection for subscriptions. It connects as `connectionTo`'s, and renews its subscriptions then. */
export function subscriptionTo(settings: RedisSettings, name: string): Redis {
  return open(settings, { connectionName: name, maxRetriesPerRequest: null });
}

function open({ url, verifyTls }: RedisSettings, options: RedisOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2, // the same reply shapes from every version of Redis
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: TCP_KEEP_ALIVE_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1), MAX_RETRY_DELAY_MS),
    ...(verifyTls || !url.startsWith("rediss:") ? {} : { tls: { rejectUnauthorized: false } }),
    ...options,
  });
  redis.on("error", () => undefined); // the commands reject, and their callers handle that
  return redis;
}

/** Connects if necessary and resolves once the connection is usable, however long that takes. Never rejects. */
export async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === "wait") redis.connect().catch(() => undefined);
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}
