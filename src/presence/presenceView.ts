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

  constructor(roomNames: readonly string[]) {
    this.#rooms = new Map(roomNames.map((name) => [name, new Map<string, Presence>()]));
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  get(id: string): Presence | undefined {
    return this.#rooms.get(this.#roomOf.get(id) ?? "")?.get(id);
  }

  /** Returns whether the client's room changed. Within its room a client keeps its order. */
  put(id: string, presence: Presence): boolean {
    const { room, json, order } = presence;
    const clients = this.#rooms.get(room);
    if (clients === undefined) throw new Error(`presence in a room that does not exist: ${room}`);
    const before = clients.get(id);
    if (before !== undefined) {
      before.json = json;
      return false;
    }
    this.remove(id);
    clients.set(id, { room, json, order });
    this.#roomOf.set(id, room);
    // Other nodes' clients are heard of later than they came.
    const latest = this.#latest.get(room) ?? 0;
    if (order <= latest) this.#unsorted.add(room);
    else this.#latest.set(room, order);
    return true;
  }

  /** Returns whether the client was there. */
  remove(id: string): boolean {
    const room = this.#roomOf.get(id);
    if (room === undefined) return false;
    this.#rooms.get(room)?.delete(id);
    return this.#roomOf.delete(id);
  }

  /** JSON of `usersPerRoom`. */
  toJson(): string {
    for (const room of this.#unsorted) this.#sort(room);
    const rooms = [...this.#rooms].map(([name, clients]) => {
      const users = Array.from(clients.values(), ({ json }) => json);
      return `${JSON.stringify(name)}:[${users.join(",")}]`;
    });
    return `{${rooms.join(",")}}`;
  }

  #sort(room: string): void {
    const clients = [...(this.#rooms.get(room) ?? [])];
    clients.sort(([id, { order }], [otherId, other]) => order - other.order || (id < otherId ? -1 : 1));
    this.#rooms.set(room, new Map(clients));
    this.#unsorted.delete(room);
  }
}
