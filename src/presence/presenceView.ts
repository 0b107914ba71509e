import { RoomScope } from "../access/roomScope";
import type { PresenceChange, PresenceForm } from "./presenceStore";

/** One client's presence. */
export interface Presence {
  room: string;
  /** `PresentUser` as JSON: encoded when it changes, not in each of the many snapshots it stands in. */
  json: string;
  /** Orders arrivals in a room; larger is later. */
  order: number;
}

/** Who is in which room, put together from wherever it is known, in order of arrival. */
export class PresenceView {
  /** room name → client id → its presence; sorted by order unless the room is in `#unsorted` */
  readonly #rooms: Map<string, Map<string, Presence>>;
  readonly #roomOf = new Map<string, string>();
  readonly #unsorted = new Set<string>();
  /** room name → the largest order put so far */
  readonly #latest = new Map<string, number>();
  /** room name, with or without ids → its clients as JSON, while they stay as they are */
  readonly #encoded = { plain: new Map<string, string>(), withIds: new Map<string, string>() };

  constructor(roomNames: readonly string[]) {
    this.#rooms = new Map(roomNames.map((name) => [name, new Map<string, Presence>()]));
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  get(id: string): Presence | undefined {
    return this.#rooms.get(this.#roomOf.get(id) ?? "")?.get(id);
  }

  /** Within its room a client keeps its order. Returns what has changed, if anything. */
  put(id: string, { room, json, order }: Presence): PresenceChange[] {
    const clients = this.#rooms.get(room);
    if (clients === undefined) throw new Error(`presence in a room that does not exist: ${room}`);
    const before = clients.get(id);
    if (before?.json === json) return [];
    this.#forgetEncoded(room);
    if (before !== undefined) {
      before.json = json;
      return [{ id, from: room, to: room, json }];
    }
    const [left] = this.remove(id);
    clients.set(id, { room, json, order });
    this.#roomOf.set(id, room);
    // Other nodes' clients are heard of later than they came.
    const latest = this.#latest.get(room) ?? 0;
    if (order <= latest) this.#unsorted.add(room);
    else this.#latest.set(room, order);
    return [{ id, from: left?.from, to: room, json }];
  }

  /** Returns what has changed: nothing, if the client was not there. */
  remove(id: string): PresenceChange[] {
    const presence = this.get(id);
    if (presence === undefined) return [];
    const { room, json } = presence;
    this.#forgetEncoded(room);
    this.#rooms.get(room)?.delete(id);
    this.#roomOf.delete(id);
    return [{ id, from: room, to: undefined, json }];
  }

  /** JSON of `usersPerRoom`. */
  toJson({ ids = false, rooms = RoomScope.ALL }: PresenceForm = {}): string {
    for (const room of this.#unsorted) this.#sort(room);
    const all = Array.from(this.#rooms.keys(), (room) => {
      const users = rooms.includes(room) ? this.#usersOf(room, ids) : "[]";
      return `${JSON.stringify(room)}:${users}`;
    });
    return `{${all.join(",")}}`;
  }

  #usersOf(room: string, ids: boolean): string {
    const encoded = ids ? this.#encoded.withIds : this.#encoded.plain;
    const known = encoded.get(room);
    if (known !== undefined) return known;
    const users = Array.from(this.#rooms.get(room) ?? [], ([id, { json }]) =>
      ids ? withId(id, json) : json,
    );
    const list = `[${users.join(",")}]`;
    encoded.set(room, list);
    return list;
  }

  #forgetEncoded(room: string): void {
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

/** `PresentClient` as JSON, from `PresentUser` as JSON. */
export function withId(id: string, json: string): string {
  return `{"id":${JSON.stringify(id)},${json.slice(1)}`;
}
