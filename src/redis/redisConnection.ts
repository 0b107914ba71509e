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

/**
 * Creates a connection for commands. It connects on `connect()` or `untilReady()`, and reconnects for ever until
 * `disconnect()`. While it is down, commands reject at once and are not queued: a command must not run after its
 * caller was answered with an error. Redis' `CLIENT LIST` shows `name`. A command without a reply after
 * `replyTimeoutMs` fails. Default: 1,900, because clients get an answer within 2 s.
 */
export function connectionTo(settings: RedisSettings, name: string, replyTimeoutMs = 1_900): Redis {
  return open(settings, {
    connectionName: name,
    commandTimeout: replyTimeoutMs,
    // Closing a stuck connection drops the commands that Redis has not read yet: their callers already have errors.
    // It also bounds the memory of that queue, and replaces a connection that broke without a sign.
    socketTimeout: replyTimeoutMs + 100,
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
    connectTimeout: 2_000,
    keepAlive: 5_000, // TCP then probes: a subscription sends no commands whose failure would show a break
    disconnectTimeout: 100, // a stuck Redis never closes its side
    retryStrategy: (attempt) => Math.min(100 * 2 ** (attempt - 1), 500), // traffic resumes within 5 s
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
