import { randomBytes } from "node:crypto";
import { createAdapter } from "@socket.io/redis-adapter";
import type { Redis } from "ioredis";
import { Server } from "socket.io";
import type { NodeBus } from "./nodeBus";
import { connectionTo, ready, subscriptionTo, type RedisSettings } from "../redis/redisConnection";

// The adapter's other use, broadcasts to clients, is not ours: whatever comes as one is ignored.
const IGNORE_BROADCASTS = { encode: () => "", decode: () => [] };

/** Between nodes through Redis, by the `serverSideEmit` of a Socket.IO server that has no clients. */
export class RedisNodeBus implements NodeBus {
  readonly nodeId = randomBytes(9).toString("base64url");
  readonly #settings: RedisSettings;
  readonly #publishing: Redis;
  readonly #subscribed: Redis;
  /** kind → who wants to hear of it */
  readonly #listeners = new Map<string, (nodeId: string, payload: unknown) => void>();
  #io: Server | undefined;
  #isStopped = false;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.#publishing = withoutRejections(connectionTo(settings, { name: "chat-nodes" }), ["publish"]);
    this.#subscribed = withoutRejections(subscriptionTo(settings, "chat-nodes-subscription"), [
      "subscribe",
      "psubscribe",
    ]);
  }

  start(): void {
    void Promise.all([ready(this.#publishing), ready(this.#subscribed)]).then(() => {
      if (!this.#isStopped) this.#open();
    });
  }

  publish(kind: string, payload: unknown): void {
    if (this.#publishing.status === "ready") this.#io?.serverSideEmit(kind, this.nodeId, payload);
  }

  subscribe(kind: string, listener: (nodeId: string, payload: unknown) => void): void {
    this.#listeners.set(kind, listener);
    this.#io?.on(kind, listener);
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#publishing.disconnect();
    this.#subscribed.disconnect();
    return Promise.resolve();
  }

  #open(): void {
    const key = `${this.#settings.keyPrefix}:nodes`;
    const adapter = createAdapter(this.#publishing, this.#subscribed, { key, parser: IGNORE_BROADCASTS });
    this.#io = new Server({ adapter, serveClient: false });
    for (const [kind, listener] of this.#listeners) this.#io.on(kind, listener);
  }
}

/** The adapter looks at no result of its commands, so one that failed would end the process as unhandled. */
function withoutRejections(
  redis: Redis,
  commands: readonly ("publish" | "subscribe" | "psubscribe")[],
): Redis {
  for (const command of commands) {
    const original = redis[command].bind(redis) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(redis, { [command]: (...args: unknown[]) => original(...args).catch(() => undefined) });
  }
  return redis;
}
