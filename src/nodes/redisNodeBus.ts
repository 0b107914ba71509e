import { randomBytes } from "node:crypto";
import { createAdapter } from "@socket.io/redis-adapter";
import type { Redis } from "ioredis";
import { Server } from "socket.io";
import { connectionTo, subscriptionTo, untilReady, type RedisSettings } from "../redis/redisConnection";
import type { NodeBus } from "./nodeBus";

/** Makes the adapter ignore broadcasts to clients: the service does not use them, other programs could send them. */
const IGNORE_BROADCASTS = { encode: () => "", decode: () => [] };

/** A node bus on Redis Pub/Sub: the `serverSideEmit` of a Socket.IO server without clients. */
export class RedisNodeBus implements NodeBus {
  readonly nodeId = randomBytes(9).toString("base64url");
  readonly #settings: RedisSettings;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  /** kind → its subscriber */
  readonly #listeners = new Map<string, (nodeId: string, payload: unknown) => void>();
  #io: Server | undefined;
  #isStopped = false;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.#publisher = connectionTo(settings, { name: "chat-nodes" });
    this.#subscriber = subscriptionTo(settings, "chat-nodes-subscription");
    ignoreRejections(this.#publisher, ["publish"]);
    ignoreRejections(this.#subscriber, ["subscribe", "psubscribe"]);
  }

  start(): void {
    void Promise.all([untilReady(this.#publisher), untilReady(this.#subscriber)]).then(() => {
      if (!this.#isStopped) this.#open();
    });
  }

  publish(kind: string, payload: unknown): void {
    if (this.#publisher.status === "ready") this.#io?.serverSideEmit(kind, this.nodeId, payload);
  }

  subscribe(kind: string, listener: (nodeId: string, payload: unknown) => void): void {
    this.#listeners.set(kind, listener);
    this.#io?.on(kind, listener);
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
    return Promise.resolve();
  }

  #open(): void {
    const key = `${this.#settings.keyPrefix}:nodes`;
    const adapter = createAdapter(this.#publisher, this.#subscriber, { key, parser: IGNORE_BROADCASTS });
    this.#io = new Server({ adapter, serveClient: false });
    for (const [kind, listener] of this.#listeners) this.#io.on(kind, listener);
  }
}

/** The adapter ignores the promises of its commands, so a rejection would be unhandled and end the process. */
function ignoreRejections(redis: Redis, commands: readonly ("publish" | "subscribe" | "psubscribe")[]): void {
  for (const command of commands) {
    const original = redis[command].bind(redis) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(redis, { [command]: (...args: unknown[]) => original(...args).catch(() => undefined) });
  }
}
