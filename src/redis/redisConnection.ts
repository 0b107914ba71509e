import { Redis, type RedisOptions } from "ioredis";
import StandaloneConnector from "ioredis/built/connectors/StandaloneConnector";

const SETUP_RETRY_DELAY_MS = 5_000; // while Redis has a `setupProblem`
/** How Redis refuses SELECT. Other answers, as to every command while it is starting, are no fault of REDIS_URL. */
const NO_DATABASE = /^ERR (DB index|invalid DB index|SELECT is not allowed)|^NOPERM/;

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

class ClusterError extends Error {
  override message = "REDIS_URL names a Redis Cluster; the service needs a Redis without cluster mode";
}

/**
 * Returns why the service cannot use the Redis that answers, if an `error` event says so: one line for operators that
 * names the variable. Such a connection does not become ready; it is tried again every 5 s.
 */
export function setupProblem(error: Error & { command?: { name: string } }): string | undefined {
  if (error instanceof ClusterError) return error.message;
  return error.command?.name === "select" && NO_DATABASE.test(error.message)
    ? "REDIS_URL names a database that Redis does not have"
    : undefined;
}

function open({ url, verifyTls }: RedisSettings, options: RedisOptions): Redis {
  let isUsable = true; // as far as this connection has shown
  /** ioredis asks `check` before a connection is ready, and closes the connection if the answer is false. */
  class Connector extends StandaloneConnector {
    override check(info: { redis_mode?: string }): boolean {
      if (isUsable && info.redis_mode === "cluster") redis.emit("error", new ClusterError());
      return isUsable;
    }
  }
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2, // the same reply shapes from every version of Redis
    connectTimeout: 2_000,
    keepAlive: 5_000, // TCP then probes: a subscription sends no commands whose failure would show a break
    disconnectTimeout: 100, // a stuck Redis never closes its side
    retryStrategy: (attempt) => {
      if (!isUsable) return SETUP_RETRY_DELAY_MS;
      return Math.min(100 * 2 ** (attempt - 1), 500); // traffic resumes within 5 s
    },
    ...(verifyTls || !url.startsWith("rediss:") ? {} : { tls: { rejectUnauthorized: false } }),
    ...options,
    Connector: Connector as RedisOptions["Connector"],
  });
  redis.on("connecting", () => (isUsable = true));
  redis.on("error", (error: Error) => {
    // After a SELECT that fails, ioredis would continue with database 0. Other errors need no handling here: the
    // commands reject, and their callers handle that.
    if (setupProblem(error) !== undefined) isUsable = false;
  });
  return redis;
}

/** Connects if necessary and resolves once the connection is usable, however long that takes. Never rejects. */
export async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === "wait") redis.connect().catch(() => undefined);
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}
