import type { Redis } from "ioredis";
import type { Presence } from "../presenceView";
import { formatPresence, type ClientChange } from "./presenceWire";

/** The most clients in one command, so that no command blocks Redis for long. */
export const MAX_CHANGES = 500;

/** What a heartbeat finds in Redis. */
export interface HeartbeatReply {
  /** False: this node has no lease, so it must register again. */
  registered: boolean;
  /** All other nodes. `version` is that of the node's latest update; `alive`: it has a lease. */
  nodes: { id: string; version: number; alive: boolean }[];
}

/* The keys of each script are a node's nodes, lease and clients; its first argument is the id of the node. */

/** Stores changes, given as client id and presence, or "" for a client that left. Returns what `change` returns. */
const CHANGE = `
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[3], ARGV[i])
  else redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
end
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
`;

/**
 * Renews a node's lease. ARGV[2] lease in ms, ARGV[3] prefix of leases. Returns 1, or 0 if the node has no lease; then
 * a list of id, version and 1 (alive) or 0 for each other node.
 */
const HEARTBEAT = `
local reply = { redis.call('PEXPIRE', KEYS[2], ARGV[2]) }
local nodes = redis.call('HGETALL', KEYS[1])
for i = 1, #nodes, 2 do
  local alive = redis.call('EXISTS', ARGV[3] .. nodes[i])
  if nodes[i] ~= ARGV[1] then reply[#reply + 1] = { nodes[i], nodes[i + 1], alive } end
end
return reply
`;

/** Deletes a node that has no lease. Returns 1 if this call deleted it. */
const SWEEP = `
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[3])
return 1
`;

/** Returns a node's version, or "" if it does not exist, and a list of its client ids and presences in turns. */
const FETCH = `return { redis.call('HGET', KEYS[1], ARGV[1]) or '', redis.call('HGETALL', KEYS[3]) }`;

/**
 * Presence in Redis. Each node writes its own clients only. The braces in the keys put all of them into one slot of a
 * Redis Cluster. During a rolling upgrade nodes of the version before use the same keys. Every method rejects with the
 * error of Redis.
 *
 * - `<prefix>:{presence}:nodes`: hash, node id → version of its latest update
 * - `<prefix>:{presence}:lease:<node id>`: a string that expires unless the node renews it
 * - `<prefix>:{presence}:clients:<node id>`: hash, client id → presence as text
 */
export class PresenceTable {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #nodeId: string;
  readonly #leaseMs: number;

  /** The table as the node `nodeId` uses it, which counts as alive for `leaseMs` after each heartbeat. */
  constructor(
    redis: Redis,
    { keyPrefix, nodeId, leaseMs }: { keyPrefix: string; nodeId: string; leaseMs: number },
  ) {
    this.#redis = redis;
    this.#prefix = `${keyPrefix}:{presence}:`;
    this.#nodeId = nodeId;
    this.#leaseMs = leaseMs;
  }

  /** Replaces everything that is stored of this node, in one transaction. */
  async register(version: number, clients: Iterable<[id: string, presence: Presence]>): Promise<void> {
    const [nodes, lease, hash] = this.#keysOf(this.#nodeId);
    const fields = Array.from(clients, ([id, presence]) => [id, formatPresence(presence)]);
    const transaction = this.#redis.multi().del(hash);
    for (let start = 0; start < fields.length; start += MAX_CHANGES)
      transaction.hset(hash, ...fields.slice(start, start + MAX_CHANGES).flat());
    transaction.set(lease, "", "PX", this.#leaseMs).hset(nodes, this.#nodeId, version);
    for (const [error] of (await transaction.exec()) ?? []) if (error !== null) throw error;
  }

  /** Stores changes of this node, `MAX_CHANGES` at most. Returns the new version, or 0 if the node has no lease. */
  async change(changes: readonly ClientChange[]): Promise<number> {
    const args = changes.flatMap(([id, presence]) => [id, presence ?? ""]);
    return Number(await this.#run(CHANGE, this.#nodeId, ...args));
  }

  /** Renews this node's lease and looks at the other nodes. */
  async heartbeat(): Promise<HeartbeatReply> {
    const reply = await this.#run(HEARTBEAT, this.#nodeId, this.#leaseMs, `${this.#prefix}lease:`);
    const [renewed, ...others] = reply as [number, ...[id: string, version: string, alive: number][]];
    const nodes = others.map(([id, version, alive]) => ({
      id,
      version: Number(version),
      alive: alive === 1,
    }));
    return { registered: renewed === 1, nodes };
  }

  /** Deletes everything that is stored of this node. */
  async withdraw(): Promise<void> {
    const [nodes, lease, clients] = this.#keysOf(this.#nodeId);
    await this.#redis.multi().del(clients, lease).hdel(nodes, this.#nodeId).exec();
  }

  /** Reads another node; undefined if it is not registered. */
  async fetch(nodeId: string): Promise<{ version: number; clients: ClientChange[] } | undefined> {
    const [version, fields] = (await this.#run(FETCH, nodeId)) as [string, string[]];
    if (version === "") return undefined;
    const clients: ClientChange[] = [];
    for (let i = 0; i < fields.length; i += 2) clients.push([fields[i] ?? "", fields[i + 1] ?? ""]);
    return { version: Number(version), clients };
  }

  /** Deletes another node if it has no lease. True on the one node that deleted it. */
  async sweep(nodeId: string): Promise<boolean> {
    return (await this.#run(SWEEP, nodeId)) === 1;
  }

  #keysOf(nodeId: string): [nodes: string, lease: string, clients: string] {
    return [`${this.#prefix}nodes`, `${this.#prefix}lease:${nodeId}`, `${this.#prefix}clients:${nodeId}`];
  }

  #run(script: string, nodeId: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#redis.eval(script, 3, ...this.#keysOf(nodeId), nodeId, ...args);
  }
}
