import { Redis, type RedisOptions } from "ioredis";

export interface RedisSettings {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. */
  url: string;
  /** Before every key and channel, so that several services can share one Redis. */
  keyPrefix: string;
  /** False accepts any certificate over TLS: for providers that sign their own, as Heroku does. */
  verifyTls: boolean;
}

const CONNECT_TIMEOUT = 2_000; // ms
const KEEP_ALIVE = 5_000; // ms of silence until the line is probed: a subscription sends nothing that could fail
const DISCONNECT_TIMEOUT = 100; // ms for the server to close its side, which one that is stuck never does
const REPLY_TIMEOUT = 1_900; // ms; whoever asks has been promised an answer within 2 s
const CLOSE_DELAY = 100; // ms after a command failed for lack of an answer until its connection is taken for dead
const MAX_RETRY_DELAY = 500; // ms; traffic is to resume within 5 s of the server's return

/**
 * A connection that is made by `connect()` and then again whenever it is lost. Commands fail at once while it
 * is down: what was queued for a server that is away would be done long after its sender was told otherwise.
 */
export function connectionTo(
  settings: RedisSettings,
  { name, replyTimeout = REPLY_TIMEOUT }: { name: string; replyTimeout?: number },
): Redis {
  return open(settings, {
    connectionName: name,
    commandTimeout: replyTimeout,
    // What an unresponsive server has not yet taken must not be done when everybody has been told otherwise, nor
    // pile up here; and a line that is dead without a sign would never carry anything again.
    socketTimeout: replyTimeout + CLOSE_DELAY,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0, // what is in flight when the connection breaks fails at once
  });
}

/** A connection that hears of what is published; what it subscribed to it subscribes to again when it is back. */
export function subscriptionTo(settings: RedisSettings, name: string): Redis {
  return open(settings, { connectionName: name, maxRetriesPerRequest: null });
}

function open({ url, verifyTls }: RedisSettings, options: RedisOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2, // replies of one shape from every server version
    connectTimeout: CONNECT_TIMEOUT,
    keepAlive: KEEP_ALIVE,
    disconnectTimeout: DISCONNECT_TIMEOUT,
    retryStrategy: (times) => Math.min(50 * 2 ** times, MAX_RETRY_DELAY),
    ...(verifyTls || !url.startsWith("rediss:") ? {} : { tls: { rejectUnauthorized: false } }),
    ...options,
  });
  redis.on("error", () => undefined); // its commands fail, which is where it is dealt with
  return redis;
}

/** Resolves once the connection can be used; when it is lost before, it comes again and this goes on waiting. */
export async function ready(redis: Redis): Promise<void> {
  if (redis.status === "wait") redis.connect().catch(() => undefined);
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}
