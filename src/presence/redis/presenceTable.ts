/**
 * Presence in Redis: each node keeps its own clients in a hash of its own, under a lease that it renews while it
 * lives. The braces put all of it into one slot of a Redis Cluster.
 */
export interface PresenceKeys {
  /** Hash: node id → number of its latest change. */
  nodes: string;
  /** Before a node's id: its lease, a string that expires. */
  lease: string;
  /** Before a node's id: hash of client id → presence as JSON. */
  clients: string;
}

export function presenceKeys(keyPrefix: string): PresenceKeys {
  const prefix = `${keyPrefix}:{presence}`;
  return { nodes: `${prefix}:nodes`, lease: `${prefix}:lease:`, clients: `${prefix}:clients:` };
}

/**
 * Changes some of a node's clients. KEYS nodes, lease, clients. ARGV node id; how many leave; their ids; then
 * id and presence of each that came or changed. Returns the number of the change, or 0: the node was swept.
 */
export const CHANGE = `
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local leaving = tonumber(ARGV[2])
if leaving > 0 then redis.call('HDEL', KEYS[3], unpack(ARGV, 3, 2 + leaving)) end
if #ARGV > 2 + leaving then redis.call('HSET', KEYS[3], unpack(ARGV, 3 + leaving)) end
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
`;

/**
 * Renews a node's lease and looks at the others'. KEYS nodes, lease. ARGV node id, ms, prefix of leases.
 * Returns 1, or 0 when the node was swept; then id, number of the latest change, 1 if it lives, for each other.
 */
export const BEAT = `
local reply = { redis.call('PEXPIRE', KEYS[2], ARGV[2]) }
local nodes = redis.call('HGETALL', KEYS[1])
for i = 1, #nodes, 2 do
  if nodes[i] ~= ARGV[1] then
    reply[#reply + 1] = nodes[i]
    reply[#reply + 1] = nodes[i + 1]
    reply[#reply + 1] = redis.call('EXISTS', ARGV[3] .. nodes[i])
  end
end
return reply
`;

/** Removes a dead node. KEYS nodes, lease, clients. ARGV node id. Returns 1 to the one who did it. */
export const SWEEP = `
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[3])
return 1
`;

/**
 * All of a node. KEYS nodes, clients. ARGV node id. Returns the number of its latest change, or "", and its
 * clients in a list of their own: Lua could not spread thousands of them into one.
 */
export const FETCH = `
return { redis.call('HGET', KEYS[1], ARGV[1]) or '', redis.call('HGETALL', KEYS[2]) }
`;
