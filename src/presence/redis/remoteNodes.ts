import type { PresenceChange, PresenceListener } from "../presenceStore";
import type { PresenceView } from "../presenceView";
import type { PresenceTable } from "./presenceTable";
import { parseChange, parseUpdate } from "./presenceWire";

/** The state of another node as this node knows it. */
interface RemoteNode {
  /** The version of the latest update that was applied. */
  version: number;
  /** The ids of its clients. */
  ids: Set<string>;
}

export interface RemoteNodesDeps {
  table: PresenceTable;
  view: PresenceView;
  listener: PresenceListener;
}

/** Keeps the clients of all other nodes in the view: applies their updates, and reads Redis where one was lost. */
export class RemoteNodes {
  readonly #table: PresenceTable;
  readonly #view: PresenceView;
  readonly #listener: PresenceListener;
  /** node id → its state */
  readonly #nodes = new Map<string, RemoteNode>();
  readonly #fetching = new Set<string>();

  constructor({ table, view, listener }: RemoteNodesDeps) {
    this.#table = table;
    this.#view = view;
    this.#listener = listener;
  }

  /** Applies an update from the node bus, or reads the whole node if it is not the next one. Rejects as Redis does. */
  async onUpdate(nodeId: string, payload: unknown): Promise<void> {
    const update = parseUpdate(payload);
    if (update === undefined) return;
    const { version, changes } = update;
    const node = this.#nodes.get(nodeId);
    if (node !== undefined && changes !== undefined && version === node.version + 1) {
      node.version = version;
      this.#apply(node, changes);
    } else {
      await this.onSeen(nodeId, version);
    }
  }

  /** Reads a live node from Redis if its version is newer than the known one. Rejects with the error of Redis. */
  async onSeen(nodeId: string, version: number): Promise<void> {
    const known = this.#nodes.get(nodeId)?.version ?? 0;
    if (version > known && !this.#fetching.has(nodeId)) await this.#fetch(nodeId);
  }

  /**
   * Forgets a node whose lease expired and deletes its keys. True on the one node that deleted them; it must notify
   * the others. Rejects with the error of Redis.
   */
  async removeExpired(nodeId: string): Promise<boolean> {
    this.remove(nodeId);
    return this.#table.sweep(nodeId);
  }

  /** Removes all nodes that are not in the set. */
  keepOnly(nodeIds: ReadonlySet<string>): void {
    for (const nodeId of this.#nodes.keys()) if (!nodeIds.has(nodeId)) this.remove(nodeId);
  }

  /** Removes a node and its clients, if it is known, and notifies the listener. */
  remove(nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    this.#nodes.delete(nodeId);
    const changes = [...node.ids].flatMap((id) => this.#view.remove(id));
    this.#listener.onNodeGone(nodeId);
    this.#listener.onChange(changes);
  }

  async #fetch(nodeId: string): Promise<void> {
    this.#fetching.add(nodeId);
    try {
      const fetched = await this.#table.fetch(nodeId);
      if (fetched === undefined) this.remove(nodeId);
      else this.#replace(nodeId, fetched.version, fetched.clients);
    } finally {
      this.#fetching.delete(nodeId);
    }
  }

  #replace(nodeId: string, version: number, clients: [id: string, text: string][]): void {
    const node = this.#nodes.get(nodeId) ?? { version, ids: new Set<string>() };
    this.#nodes.set(nodeId, node);
    if (version < node.version) return; // newer updates arrived during the fetch
    node.version = version;
    const present = new Set(clients.map(([id]) => id));
    const left = [...node.ids].filter((id) => !present.has(id)).map((id) => [id, null]);
    this.#apply(node, [...left, ...clients]);
  }

  #apply(node: RemoteNode, updates: unknown[]): void {
    const changes: PresenceChange[] = [];
    for (const update of updates) {
      const change = parseChange(update);
      if (change === undefined) continue;
      const { id, presence } = change;
      if (presence !== undefined && this.#view.hasRoom(presence.room)) {
        node.ids.add(id);
        // The client left and re-entered, and only the final state was announced: re-insert it, so that it takes its
        // new place in the order.
        if (this.#view.get(id)?.order !== presence.order) changes.push(...this.#view.remove(id));
        changes.push(...this.#view.put(id, presence));
      } else if (node.ids.delete(id)) {
        changes.push(...this.#view.remove(id));
      }
    }
    this.#listener.onChange(changes);
  }
}
