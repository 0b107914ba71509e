import type { Redis } from "ioredis";
import type { ClientChange } from "./presenceWire";

export const MAX_CHANGES = 500; // clients in one command, so that no command blocks Redis for long
export type NodeState = [id: string, version: number, alive: 0 | 1]; // the version of the node's latest update

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
 * the `NodeState` of each other node.
 */
const HEARTBEAT = `
local reply = { redis.call('PEXPIRE', KEYS[2], ARGV[2]) }
local nodes = redis.call('HGETALL', KEYS[1])
for i = 1, #nodes, 2 do
  local version, alive = tonumber(nodes[i + 1]) or 0, redis.call('EXISTS', ARGV[3] .. nodes[i])
  if nodes[i] ~= ARGV[1] then reply[#reply + 1] = { nodes[i], version, alive } end
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
 * Presence in Redis. Each node writes its own clients only. Every method rejects with the error of Redis. Nodes of the
 * version before use the same keys during a rolling upgrade; the braces put them into one slot of a Redis Cluster.
 *
 * - `<prefix>:{presence}:nodes`: hash, node id → version of its latest update
 * - `<prefix>:{presence}:lease:<node id>`: a string that expires unless the node renews it
 * - `<prefix>:{presence}:clients:<node id>`: hash, client id → presence as text
 */
export class PresenceTable {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #nodeId: string;
  readonly #leaseMs: number; // for how long this node, `nodeId`, counts as alive after a heartbeat

  constructor(redis: Redis, keyPrefix: string, nodeId: string, leaseMs: number) {
    this.#redis = redis;
    this.#prefix = `${keyPrefix}:{presence}:`;
    this.#nodeId = nodeId;
    this.#leaseMs = leaseMs;
  }

  /** Replaces everything that is stored of this node, in one transaction. */
  async register(version: number, clients: Iterable<[id: string, presence: string]>): Promise<void> {
    const [nodes, lease, hash] = this.#keysOf(this.#nodeId);
    const fields = [...clients];
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

  /** Renews this node's lease, if it is `registered`. `nodes` are the others, `alive` if they have a lease. */
  async heartbeat(): Promise<{ registered: boolean; nodes: NodeState[] }> {
    const reply = await this.#run(HEARTBEAT, this.#nodeId, this.#leaseMs, `${this.#prefix}lease:`);
    const [renewed, ...nodes] = reply as [number, ...NodeState[]];
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
