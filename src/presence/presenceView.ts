import { RoomScope } from "../access/roomScope";
import type { PresenceChange, PresenceJsonOptions } from "./presenceStore";

/** One client's presence. */
export interface Presence {
  room: string;
  /** `PresentUser` as JSON: encoded once per change, not once per snapshot. */
  json: string;
  /** The position within the room: clients with a larger number arrived later. */
  order: number;
}

/** The clients of each room in order of arrival, also when they become known in another order. */
export class PresenceView {
  /** room name → client id → its presence; sorted by order unless the room is in `#unsorted` */
  readonly #rooms: Map<string, Map<string, Presence>>;
  /** client id → room name */
  readonly #roomOf = new Map<string, string>();
  readonly #unsorted = new Set<string>();
  /** room name → the largest order so far */
  readonly #latestOrder = new Map<string, number>();
  /** Caches, until the room changes: room name → JSON list of its clients. */
  readonly #encoded = { plain: new Map<string, string>(), withIds: new Map<string, string>() };

  /** @param roomNames every room, in the order in which `toJson` lists them */
  constructor(roomNames: readonly string[]) {
    this.#rooms = new Map(roomNames.map((name) => [name, new Map<string, Presence>()]));
  }

  hasRoom(room: string): boolean {
    return this.#rooms.has(room);
  }

  get(id: string): Presence | undefined {
    return this.#rooms.get(this.#roomOf.get(id) ?? "")?.get(id);
  }

  /**
   * Puts the client into the room. A client that is in the room already keeps its order. Returns the change, or an
   * empty list if there is none. Throws an Error for an unknown room.
   */
  put(id: string, { room, json, order }: Presence): PresenceChange[] {
    const clients = this.#rooms.get(room);
    if (clients === undefined) throw new Error(`presence in a room that does not exist: ${room}`);
    const before = clients.get(id);
    if (before?.json === json) return [];
    this.#invalidate(room);
    if (before !== undefined) {
      before.json = json;
      return [{ id, from: room, to: room, json }];
    }
    const [left] = this.remove(id);
    clients.set(id, { room, json, order });
    this.#roomOf.set(id, room);
    // Clients of other nodes become known later than they arrived.
    const latestOrder = this.#latestOrder.get(room) ?? 0;
    if (order <= latestOrder) this.#unsorted.add(room);
    else this.#latestOrder.set(room, order);
    return [{ id, from: left?.from, to: room, json }];
  }

  /** Removes the client. Returns the change, or an empty list for an unknown client. */
  remove(id: string): PresenceChange[] {
    const presence = this.get(id);
    if (presence === undefined) return [];
    const { room, json } = presence;
    this.#invalidate(room);
    this.#rooms.get(room)?.delete(id);
    this.#roomOf.delete(id);
    return [{ id, from: room, to: undefined, json }];
  }

  /** Returns `usersPerRoom` as JSON. */
  toJson({ withIds = false, rooms = RoomScope.ALL }: PresenceJsonOptions = {}): string {
    for (const room of this.#unsorted) this.#sort(room);
    const lists = Array.from(this.#rooms.keys(), (room) => {
      const users = rooms.includes(room) ? this.#usersJson(room, withIds) : "[]";
      return `${JSON.stringify(room)}:${users}`;
    });
    return `{${lists.join(",")}}`;
  }

  #usersJson(room: string, withIds: boolean): string {
    const cache = withIds ? this.#encoded.withIds : this.#encoded.plain;
    const cached = cache.get(room);
    if (cached !== undefined) return cached;
    const clients = this.#rooms.get(room) ?? [];
    const users = Array.from(clients, ([id, { json }]) => (withIds ? withId(id, json) : json));
    const list = `[${users.join(",")}]`;
    cache.set(room, list);
    return list;
  }

  #invalidate(room: string): void {
    this.#encoded.plain.delete(room);
    this.#encoded.withIds.delete(room);
  }

  #sort(room: string): void {
    const clients = [...(this.#rooms.get(room) ?? [])];
    clients.sort(([id, { order }], [otherId, other]) => order - other.order || (id < otherId ? -1 : 1));
    this.#rooms.set(room, new Map(clients));
    this.#unsorted.delete(room);
  }
}

/** Returns `PresentClient` as JSON, made from an id and `PresentUser` as JSON. */
export function withId(id: string, json: string): string {
  return `{"id":${JSON.stringify(id)},${json.slice(1)}`;
}
