import type { Redis } from "ioredis";
import type { NodeBus } from "../../nodes/nodeBus";
import type { Logger } from "../../observability/logger";
import type { PresentUser } from "../../protocol/events";
import { connectionTo, untilReady, type RedisSettings } from "../../redis/redisConnection";
import { RemoteNodes } from "./remoteNodes";
import { LocalClients } from "./localClients";
import type { PresenceForm, PresenceListener, PresenceStore } from "../presenceStore";
import { PresenceView } from "../presenceView";
import { BEAT, presenceKeys, type PresenceKeys } from "./presenceTable";

export interface RedisPresenceStoreOptions {
  redis: RedisSettings;
  bus: NodeBus;
  roomNames: readonly string[];
  logger: Logger;
  /** ms that others believe in a node without hearing of it. */
  lease?: number;
  /** ms between two renewals of the lease. */
  beat?: number;
}

const TOLD = "presence"; // what nodes tell each other: a change
const GONE = "presence_gone"; // the id of a node that has left or was swept
const DEFAULT_LEASE = 10_000; // ms; a killed node's clients are gone within lease and beat
const DEFAULT_BEAT = 3_000; // ms

/**
 * The presence of many nodes' clients. Each node keeps its own in Redis, under a lease, and tells the others of
 * changes; who missed some reads that node's anew, at the next beat at the latest. Reading is from memory, so
 * presence goes on while Redis is away, with what was known then.
 */
export class RedisPresenceStore implements PresenceStore {
  readonly #redis: Redis;
  readonly #keys: PresenceKeys;
  readonly #bus: NodeBus;
  readonly #logger: Logger;
  readonly #view: PresenceView;
  readonly #own: LocalClients;
  readonly #lease: number;
  readonly #beat: number;
  #others: RemoteNodes | undefined;
  #listener: PresenceListener | undefined;
  #order = 0;
  #timer: NodeJS.Timeout | undefined;
  #isBeating = false;
  /** By the monotonic clock, ms: until then nobody is taken for dead, for who was cut off with us comes back too. */
  #noDeathsBefore = 0;
  #lastBeat = 0; // that succeeded; by the monotonic clock, ms
  #isStopped = false;

  constructor({
    redis,
    bus,
    roomNames,
    logger,
    lease = DEFAULT_LEASE,
    beat = DEFAULT_BEAT,
  }: RedisPresenceStoreOptions) {
    this.#redis = connectionTo(redis, { name: "chat-presence" });
    this.#keys = presenceKeys(redis.keyPrefix);
    this.#bus = bus;
    this.#logger = logger;
    this.#view = new PresenceView(roomNames);
    this.#lease = lease;
    this.#beat = beat;
    const onStored = (change: unknown) => bus.publish(TOLD, change);
    this.#own = new LocalClients({
      redis: this.#redis,
      keys: this.#keys,
      nodeId: bus.nodeId,
      lease,
      onStored,
    });
  }

  start(listener: PresenceListener): void {
    this.#listener = listener;
    const others = new RemoteNodes({ redis: this.#redis, keys: this.#keys, view: this.#view, listener });
    this.#others = others;
    this.#bus.subscribe(TOLD, (nodeId, change) => {
      if (!this.#isStopped) others.onTold(nodeId, change).catch(() => undefined); // the next beat finds out
    });
    this.#bus.subscribe(GONE, (_nodeId, goneId) => {
      if (typeof goneId === "string") others.drop(goneId);
    });
    this.#redis.on("ready", () => {
      this.#own.forgetRegistration();
      this.#noDeathsBefore = performance.now() + this.#lease;
      void this.#beatNow();
    });
    this.#timer = setInterval(() => void this.#beatNow(), this.#beat);
    void untilReady(this.#redis);
  }

  put(id: string, { username, avatar }: PresentUser, room: string): void {
    // By the clock, for arrivals are ordered over all nodes; each larger than the last.
    this.#order = Math.max(this.#order + 1, Date.now() * 1_000);
    const json = JSON.stringify({ username, avatar });
    const changes = this.#view.put(id, { room, json, order: this.#order });
    this.#own.put(id, this.#view.get(id) ?? { room, json, order: this.#order });
    this.#listener?.onChange(changes);
  }

  remove(id: string): void {
    this.#own.remove(id);
    this.#listener?.onChange(this.#view.remove(id));
  }

  toJson(form?: PresenceForm): string {
    return this.#view.toJson(form);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#timer);
    // Without Redis the lease says it, later.
    if (this.#redis.status === "ready") await this.#own.withdraw().catch(() => undefined);
    this.#bus.publish(GONE, this.#bus.nodeId);
    this.#redis.disconnect();
  }

  async #beatNow(): Promise<void> {
    if (this.#isBeating || this.#isStopped || this.#redis.status !== "ready") return;
    this.#isBeating = true;
    try {
      // Where Redis takes no more (it is full), the lease can still be renewed: old presence is better than none.
      const [registered] = await Promise.allSettled([this.#own.register()]);
      await this.#lookAround();
      if (registered.status === "rejected") throw registered.reason;
    } catch (err) {
      if (this.#redis.status === "ready") this.#logger.warn({ err }, "presence not shared, trying again");
    } finally {
      this.#isBeating = false;
    }
  }

  async #lookAround(): Promise<void> {
    const { nodeId } = this.#bus;
    const { nodes, lease } = this.#keys;
    const reply = await this.#redis.eval(BEAT, 2, nodes, lease + nodeId, nodeId, this.#lease, lease);
    const [isRegistered, ...seen] = reply as (string | number)[];
    const now = performance.now();
    // Where this node could not renew its lease for long, the others could not either.
    if (now - this.#lastBeat > this.#lease / 2) this.#noDeathsBefore = now + this.#lease;
    this.#lastBeat = now;
    if (isRegistered !== 1) {
      this.#noDeathsBefore = now + this.#lease; // whatever took this node's entry has taken the others', too
      this.#own.forgetRegistration();
      await this.#own.register();
    }
    const ids = new Set<string>();
    for (let i = 0; i < seen.length; i += 3) {
      const [id, number, isAlive] = seen.slice(i, i + 3);
      ids.add(String(id));
      await this.#onSeen(String(id), Number(number), isAlive === 1);
    }
    if (now >= this.#noDeathsBefore) this.#others?.keepOnly(ids);
  }

  async #onSeen(nodeId: string, number: number, isAlive: boolean): Promise<void> {
    if (isAlive) await this.#others?.seen(nodeId, number);
    else if (performance.now() >= this.#noDeathsBefore && (await this.#others?.expired(nodeId))) {
      this.#logger.warn({ nodeId }, "node swept: its lease has expired");
      this.#bus.publish(GONE, nodeId);
    }
  }
}
