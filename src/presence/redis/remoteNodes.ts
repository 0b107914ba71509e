import type { Redis } from "ioredis";
import { parsePresence } from "./presenceWire";
import type { PresenceView } from "../presenceView";
import { FETCH, SWEEP, type PresenceKeys } from "./presenceTable";
import type { PresenceChange, PresenceListener } from "../presenceStore";

/** What this node knows of another one. */
interface RemoteNode {
  /** Number of the change it is known at. */
  number: number;
  ids: Set<string>;
}

export interface RemoteNodesOptions {
  redis: Redis;
  keys: PresenceKeys;
  view: PresenceView;
  listener: PresenceListener;
}

/** Keeps the clients of all other nodes in the view: by what they tell, and by what stands in Redis. */
export class RemoteNodes {
  readonly #options: RemoteNodesOptions;
  readonly #nodes = new Map<string, RemoteNode>();
  readonly #fetching = new Set<string>();

  constructor(options: RemoteNodesOptions) {
    this.#options = options;
  }

  /** What a node tells all: `{ number, changes }`, or `{ number }` when it should be read from Redis. */
  async onTold(nodeId: string, told: unknown): Promise<void> {
    const { number, changes } = (told ?? {}) as Record<string, unknown>;
    if (typeof number !== "number") return;
    const node = this.#nodes.get(nodeId);
    const isNext = node !== undefined && number === node.number + 1 && Array.isArray(changes);
    if (!isNext) {
      await this.seen(nodeId, number);
      return;
    }
    node.number = number;
    this.#apply(node, changes as unknown[]);
  }

  /** The node lives, and its latest change has that number. */
  async seen(nodeId: string, number: number): Promise<void> {
    const known = this.#nodes.get(nodeId)?.number ?? 0;
    if (number > known && !this.#fetching.has(nodeId)) await this.#fetch(nodeId);
  }

  /** Its lease has expired: it goes, and so that it happens once, for all others too. Returns who does that. */
  async expired(nodeId: string): Promise<boolean> {
    this.drop(nodeId);
    const { redis, keys } = this.#options;
    const itsKeys = [keys.nodes, keys.lease + nodeId, keys.clients + nodeId];
    return (await redis.eval(SWEEP, 3, ...itsKeys, nodeId)) === 1;
  }

  /** Forgets those that are not on the list. */
  keepOnly(nodeIds: ReadonlySet<string>): void {
    for (const nodeId of this.#nodes.keys()) if (!nodeIds.has(nodeId)) this.drop(nodeId);
  }

  drop(nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    const { view, listener } = this.#options;
    this.#nodes.delete(nodeId);
    const changes = [...node.ids].flatMap((id) => view.remove(id));
    listener.onNodeGone(nodeId);
    listener.onChange(changes);
  }

  async #fetch(nodeId: string): Promise<void> {
    const { redis, keys } = this.#options;
    this.#fetching.add(nodeId);
    try {
      const reply = await redis.eval(FETCH, 2, keys.nodes, keys.clients + nodeId, nodeId);
      const [number, clients] = reply as [string, string[]];
      if (number === "") this.drop(nodeId);
      else this.#replace(nodeId, Number(number), clients);
    } finally {
      this.#fetching.delete(nodeId);
    }
  }

  #replace(nodeId: string, number: number, clients: string[]): void {
    const node = this.#nodes.get(nodeId) ?? { number, ids: new Set<string>() };
    this.#nodes.set(nodeId, node);
    if (number < node.number) return; // it has told of more meanwhile
    node.number = number;
    const present: [string, string | null][] = [];
    for (let i = 0; i < clients.length; i += 2) present.push([clients[i] ?? "", clients[i + 1] ?? ""]);
    const ids = new Set(present.map(([id]) => id));
    const left = [...node.ids].filter((id) => !ids.has(id)).map((id): [string, null] => [id, null]);
    this.#apply(node, [...left, ...present]);
  }

  #apply(node: RemoteNode, told: unknown[]): void {
    const { view, listener } = this.#options;
    const changes: PresenceChange[] = [];
    for (const change of told) {
      const [id, text] = Array.isArray(change) ? (change as unknown[]) : [];
      if (typeof id !== "string") continue;
      const presence = parsePresence(text);
      if (presence !== undefined && view.has(presence.room)) {
        node.ids.add(id);
        // It has been elsewhere and come back, of which only the end was told: it stands where its own node has it.
        if (view.get(id)?.order !== presence.order) changes.push(...view.remove(id));
        changes.push(...view.put(id, presence));
      } else if (node.ids.delete(id)) {
        changes.push(...view.remove(id));
      }
    }
    listener.onChange(changes);
  }
}
