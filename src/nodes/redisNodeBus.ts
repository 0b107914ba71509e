import { randomBytes } from "node:crypto";
import { createAdapter } from "@socket.io/redis-adapter";
import type { Redis } from "ioredis";
import { Server } from "socket.io";
import { connectionTo, subscriptionTo, untilReady, type RedisSettings } from "../redis/redisConnection";
import type { NodeBus } from "./nodeBus";

/** A node bus on Redis Pub/Sub: the `serverSideEmit` of a Socket.IO server without clients. */
export class RedisNodeBus implements NodeBus {
  readonly nodeId = randomBytes(9).toString("base64url");
  readonly #channel: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #listeners = new Map<string, (nodeId: string, payload: unknown) => void>(); // by kind
  #io: Server | undefined;
  #isStopped = false;

  constructor(settings: RedisSettings) {
    this.#channel = `${settings.keyPrefix}:nodes`;
    this.#publisher = connectionTo(settings, "chat-nodes");
    this.#subscriber = subscriptionTo(settings, "chat-nodes-subscription");
    for (const redis of [this.#publisher, this.#subscriber]) ignoreRejections(redis);
  }

  start(): void {
    void Promise.all([untilReady(this.#publisher), untilReady(this.#subscriber)]).then(() => {
      if (this.#isStopped) return;
      // This parser ignores broadcasts to clients: the service does not use them, but other programs could send them.
      const options = { key: this.#channel, parser: { encode: () => "", decode: () => [] } };
      const adapter = createAdapter(this.#publisher, this.#subscriber, options);
      this.#io = new Server({ adapter, serveClient: false });
      for (const [kind, listener] of this.#listeners) this.#io.on(kind, listener);
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
}

/** The adapter ignores the promises of its commands, so a rejection would be unhandled and end the process. */
function ignoreRejections(redis: Redis): void {
  for (const command of ["publish", "subscribe", "psubscribe"] as const) {
    const original = redis[command].bind(redis) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(redis, { [command]: (...args: unknown[]) => original(...args).catch(() => undefined) });
  }
}
