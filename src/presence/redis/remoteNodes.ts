import type { PresenceChange, PresenceListener } from "../presenceStore";
import type { PresenceView } from "../presenceView";
import type { PresenceTable } from "./presenceTable";
import { parseChange, parseUpdate, type ClientChange } from "./presenceWire";

interface RemoteNode {
  version: number; // of the latest update that was applied here
  ids: Set<string>; // of its clients
}

const MAX_FETCHES = 100; // at a time; beyond it the next heartbeat reads the node, however many nodes the bus names

/** Keeps the clients of all other nodes in the view: applies their updates, and reads Redis where one was lost. */
export class RemoteNodes {
  readonly #table: PresenceTable;
  readonly #view: PresenceView;
  readonly #listener: PresenceListener;
  readonly #nodes = new Map<string, RemoteNode>(); // by node id
  readonly #fetching = new Set<string>();

  constructor(table: PresenceTable, view: PresenceView, listener: PresenceListener) {
    this.#table = table;
    this.#view = view;
    this.#listener = listener;
  }

  /** Applies an update from the node bus, or reads the whole node if it is not the next one. Rejects as Redis does. */
  async onUpdate(nodeId: string, payload: unknown): Promise<void> {
    const { version, changes } = parseUpdate(payload) ?? {};
    if (version === undefined) return;
    const node = this.#nodes.get(nodeId);
    if (node === undefined || changes === undefined || version !== node.version + 1)
      return this.onSeen(nodeId, version);
    node.version = version;
    this.#apply(node, changes);
  }

  /** Reads a live node from Redis if its version is newer than the known one. Rejects with the error of Redis. */
  async onSeen(nodeId: string, version: number): Promise<void> {
    const known = this.#nodes.get(nodeId)?.version ?? 0;
    if (version <= known || this.#fetching.has(nodeId) || this.#fetching.size >= MAX_FETCHES) return;
    this.#fetching.add(nodeId);
    const fetched = await this.#table.fetch(nodeId).finally(() => this.#fetching.delete(nodeId));
    if (fetched === undefined) this.remove(nodeId);
    else this.#replace(nodeId, fetched.version, fetched.clients);
  }

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

  #replace(nodeId: string, version: number, clients: readonly ClientChange[]): void {
    const node = this.#nodes.get(nodeId) ?? { version, ids: new Set<string>() };
    this.#nodes.set(nodeId, node);
    if (version < node.version) return; // newer updates arrived during the fetch
    node.version = version;
    const present = new Set(clients.map(([id]) => id));
    const left = [...node.ids].filter((id) => !present.has(id)).map((id) => [id, null]);
    this.#apply(node, [...left, ...clients]);
  }

  #apply(node: RemoteNode, updates: readonly unknown[]): void {
    const changes: PresenceChange[] = [];
    for (const update of updates) {
      const { id, presence } = parseChange(update) ?? {};
      if (id === undefined) continue;
      if (presence !== undefined && this.#view.hasRoom(presence.room)) {
        node.ids.add(id);
        // A new order: it left and came back, and only the final state was published. Re-insert it in its new place.
        if (this.#view.get(id)?.order !== presence.order) changes.push(...this.#view.remove(id));
        changes.push(...this.#view.put(id, presence));
      } else if (node.ids.delete(id)) {
        changes.push(...this.#view.remove(id));
      }
    }
    this.#listener.onChange(changes);
  }
}
