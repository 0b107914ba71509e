import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import type { ClientEventLog } from "../observability/logger";
import { connectionTo, subscriptionTo, untilReady, type RedisSettings } from "../redis/redisConnection";
import type { NodeBus } from "./nodeBus";
import { formatNodeMessage, parseNodeMessage } from "./nodeMessage";

type Listener = (nodeId: string, payload: unknown) => void;

/** A node bus on one channel of Redis Pub/Sub. Nothing that any program publishes there can end a node. */
export class RedisNodeBus implements NodeBus {
  readonly nodeId = randomBytes(9).toString("base64url");
  readonly #channel: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #log: ClientEventLog;
  readonly #listeners = new Map<string, Listener>(); // by kind

  constructor(settings: RedisSettings, log: ClientEventLog) {
    this.#channel = `${settings.keyPrefix}:nodes-request#/#`; // the name that nodes of version 1.0.0 use
    this.#publisher = connectionTo(settings, "chat-nodes");
    this.#subscriber = subscriptionTo(settings, "chat-nodes-subscription");
    this.#log = log;
  }

  start(): void {
    void untilReady(this.#publisher);
    this.#subscriber.on("messageBuffer", (_channel: Buffer, body: Buffer) => this.#onMessage(body));
    // ioredis connects, subscribes, and subscribes again after each reconnect. It rejects when `stop` disconnects.
    this.#subscriber.subscribe(this.#channel).catch(() => undefined);
  }

  publish(kind: string, payload: unknown): void {
    if (this.#publisher.status !== "ready") return;
    const body = formatNodeMessage({ kind, nodeId: this.nodeId, payload });
    this.#publisher.publish(this.#channel, body).catch(() => undefined); // best effort
  }

  subscribe(kind: string, listener: Listener): void {
    this.#listeners.set(kind, listener);
  }

  stop(): Promise<void> {
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
    return Promise.resolve();
  }

  /** Never throws: ioredis would turn that into an uncaught exception, which ends the process. */
  #onMessage(body: Buffer): void {
    const message = parseNodeMessage(body);
    if (message === undefined) {
      this.#log.warn("skipped a message of another program on the node bus", { bytes: body.length });
      return;
    }
    const { kind, nodeId, payload } = message;
    if (nodeId === this.nodeId) return; // Redis sends to the publisher, too
    try {
      this.#listeners.get(kind)?.(nodeId, payload);
    } catch (err) {
      this.#log.error("a message on the node bus failed", { err });
    }
  }
}
