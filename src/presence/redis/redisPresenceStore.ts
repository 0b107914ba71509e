import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { NodeBus } from "../../nodes/nodeBus";
import { errorText, type Logger } from "../../observability/logger";
import type { PresentUser } from "../../protocol/events";
import { connectionTo, untilReady, type RedisSettings } from "../../redis/redisConnection";
import type { PresenceJsonOptions, PresenceListener, PresenceStore } from "../presenceStore";
import { PresenceView } from "../presenceView";
import { DeathWatch } from "./deathWatch";
import { LocalClients } from "./localClients";
import { PresenceTable } from "./presenceTable";
import { formatPresence, NODE_GONE, PRESENCE_CHANGED } from "./presenceWire";
import { RemoteNodes } from "./remoteNodes";

export interface RedisPresenceStoreDeps {
  redis: RedisSettings;
  bus: NodeBus;
  roomNames: readonly string[]; // every room, in the order in which `toJson` lists them
  logger: Logger;
  leaseMs?: number; // for how long a node counts as alive after its last heartbeat; default 10,000
  heartbeatMs?: number; // default 3,000; the clients of a killed node disappear within both times together
}

const WITHDRAW_WITHIN_MS = 500;

/**
 * The presence of many nodes' clients. Each node writes its own clients to Redis, under a lease, and publishes each
 * change. A node that missed a change reads the sender's clients from Redis, at its next heartbeat at the latest.
 * `toJson` reads memory only: while Redis is away, it shows this node's clients and the last known ones of the others.
 */
export class RedisPresenceStore implements PresenceStore {
  readonly #redis: Redis;
  readonly #bus: NodeBus;
  readonly #logger: Logger;
  readonly #view: PresenceView;
  readonly #table: PresenceTable;
  readonly #local: LocalClients;
  readonly #deathWatch: DeathWatch;
  readonly #heartbeatMs: number;
  #remote: RemoteNodes | undefined;
  #listener: PresenceListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isBeating = false;
  #isStopped = false;

  constructor(deps: RedisPresenceStoreDeps) {
    const { redis, bus, roomNames, logger, leaseMs = 10_000, heartbeatMs = 3_000 } = deps;
    this.#redis = connectionTo(redis, "chat-presence");
    this.#bus = bus;
    this.#logger = logger;
    this.#view = new PresenceView(roomNames);
    this.#table = new PresenceTable(this.#redis, redis.keyPrefix, bus.nodeId, leaseMs);
    this.#local = new LocalClients(this.#table, bus);
    this.#deathWatch = new DeathWatch(leaseMs);
    this.#heartbeatMs = heartbeatMs;
  }

  start(listener: PresenceListener): void {
    this.#listener = listener;
    const remote = (this.#remote = new RemoteNodes(this.#table, this.#view, listener));
    this.#bus.subscribe(PRESENCE_CHANGED, (nodeId, update) => {
      // After an error the next heartbeat reads the node.
      if (!this.#isStopped) remote.onUpdate(nodeId, update).catch(() => undefined);
    });
    this.#bus.subscribe(NODE_GONE, (_nodeId, goneId) => {
      if (typeof goneId === "string") remote.remove(goneId);
    });
    this.#redis.on("ready", () => {
      this.#local.forgetRegistration();
      this.#deathWatch.grantGrace();
      void this.#beat();
    });
    this.#timer = setInterval(() => void this.#beat(), this.#heartbeatMs);
    void untilReady(this.#redis);
  }

  put(id: string, user: PresentUser, room: string): void {
    const changes = this.#view.putLast(id, user, room);
    const presence = this.#view.get(id);
    if (presence !== undefined) this.#local.put(id, formatPresence(presence));
    this.#listener?.onChange(changes);
  }

  remove(id: string): void {
    this.#local.remove(id);
    this.#listener?.onChange(this.#view.remove(id));
  }

  toJson(options?: PresenceJsonOptions): string {
    return this.#view.toJson(options);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#local.forgetRegistration();
    // Without Redis, or when it is slow, the other nodes notice when the lease expires.
    if (this.#redis.status === "ready") {
      const withdrawn = this.#table.withdraw().catch(() => undefined);
      await Promise.race([withdrawn, wait(WITHDRAW_WITHIN_MS, undefined, { ref: false })]);
    }
    this.#bus.publish(NODE_GONE, this.#bus.nodeId);
    this.#redis.disconnect();
  }

  /** Sends a heartbeat and registers this node where necessary. Logs errors; the next heartbeat tries again. */
  async #beat(): Promise<void> {
    if (this.#isBeating || this.#isStopped || this.#redis.status !== "ready") return;
    this.#isBeating = true;
    try {
      // A full Redis takes no clients but still renews leases, and old presence is better than none.
      await this.#local.register().finally(() => this.#renewLease());
    } catch (err) {
      if (this.#redis.status === "ready")
        this.#logger.warn(
          { reason: errorText(err) },
          "presence is not shared with other nodes; the next heartbeat tries again",
        );
    } finally {
      this.#isBeating = false;
    }
  }

  async #renewLease(): Promise<void> {
    const { registered, nodes } = await this.#table.heartbeat();
    this.#deathWatch.onHeartbeat();
    if (!registered) {
      this.#deathWatch.grantGrace();
      this.#local.forgetRegistration();
      await this.#local.register();
    }
    if (this.#deathWatch.canDeclareDead()) this.#remote?.keepOnly(new Set(nodes.map(([id]) => id)));
    const failures: unknown[] = []; // one node whose keys are damaged must not hide the others
    for (const [id, version, alive] of nodes) {
      if (alive) await this.#remote?.onSeen(id, version).catch((error: unknown) => failures.push(error));
      else if (this.#deathWatch.canDeclareDead()) await this.#sweep(id);
    }
    if (failures.length > 0) throw failures[0];
  }

  async #sweep(nodeId: string): Promise<void> {
    this.#remote?.remove(nodeId);
    if (!(await this.#table.sweep(nodeId))) return;
    this.#logger.warn({ nodeId }, "dead node removed: its lease expired");
    this.#bus.publish(NODE_GONE, nodeId);
  }
}
