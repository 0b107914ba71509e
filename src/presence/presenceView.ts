import { RoomScope } from "../access/roomScope";
import type { PresentUser } from "../protocol/events";
import type { PresenceChange, PresenceJsonOptions } from "./presenceStore";

export interface Presence {
  room: string;
  json: string; // `PresentUser` as JSON: encoded once per change, not once per snapshot
  order: number; // the position within the room: clients with a larger number arrived later
}

interface Room {
  clients: Map<string, Presence>; // by client id; in order of arrival if `isSorted`
  isSorted: boolean;
  latestOrder: number; // the largest order so far
  encoded: Map<boolean, string>; // cache until the room changes: with ids? → JSON list of the clients
}

/** The clients of each room in order of arrival, also when they become known in another order. */
export class PresenceView {
  readonly #rooms = new Map<string, Room>();
  readonly #clients = new Map<string, Presence>(); // by client id
  #lastArrival = 0;

  /** @param roomNames every room, in the order in which `toJson` lists them */
  constructor(roomNames: readonly string[]) {
    for (const name of roomNames)
      this.#rooms.set(name, { clients: new Map(), isSorted: true, latestOrder: 0, encoded: new Map() });
  }

  hasRoom(room: string): boolean {
    return this.#rooms.has(room);
  }

  get(id: string): Presence | undefined {
    return this.#clients.get(id);
  }

  /** Puts a client of this node into the room, as `put` does. A client that enters the room is the last one in it. */
  putLast(id: string, { username, avatar }: PresentUser, room: string): PresenceChange[] {
    // Wall clock, because arrivals are ordered across nodes. On this node each is larger than the last.
    this.#lastArrival = Math.max(this.#lastArrival + 1, Date.now() * 1_000);
    return this.put(id, { room, json: JSON.stringify({ username, avatar }), order: this.#lastArrival });
  }

  /**
   * Puts the client into the room. Keeps a reference to `presence`; later changes of the name are written to it. A client
   * that is in the room keeps its order. Returns the change, or an empty list. Throws an Error for an unknown room.
   */
  put(id: string, presence: Presence): PresenceChange[] {
    const { room: name, json, order } = presence;
    const room = this.#rooms.get(name);
    if (room === undefined) throw new Error(`presence in a room that does not exist: ${name}`);
    const before = this.#clients.get(id);
    if (before?.room !== name) {
      this.remove(id);
      this.#clients.set(id, presence);
      room.clients.set(id, presence);
      room.isSorted &&= order > room.latestOrder; // clients of other nodes become known later than they arrived
      room.latestOrder = Math.max(room.latestOrder, order);
    } else if (before.json === json) return [];
    else before.json = json;
    room.encoded.clear();
    return [{ id, from: before?.room, to: name, json }];
  }

  /** Removes the client. Returns the change, or an empty list for an unknown client. */
  remove(id: string): PresenceChange[] {
    const presence = this.#clients.get(id);
    if (presence === undefined) return [];
    const room = this.#rooms.get(presence.room);
    room?.clients.delete(id);
    room?.encoded.clear();
    this.#clients.delete(id);
    return [{ id, from: presence.room, to: undefined, json: presence.json }];
  }

  toJson({ withIds = false, rooms = RoomScope.ALL }: PresenceJsonOptions = {}): string {
    const users = (name: string, room: Room) => (rooms.includes(name) ? usersJson(room, withIds) : "[]");
    const lists = Array.from(this.#rooms, ([name, room]) => `${JSON.stringify(name)}:${users(name, room)}`);
    return `{${lists.join(",")}}`;
  }
}

function usersJson(room: Room, withIds: boolean): string {
  const cached = room.encoded.get(withIds);
  if (cached !== undefined) return cached;
  if (!room.isSorted) room.clients = new Map([...room.clients].sort(byOrder));
  room.isSorted = true;
  const users = Array.from(room.clients, ([id, { json }]) => (withIds ? withId(id, json) : json));
  const list = `[${users.join(",")}]`;
  room.encoded.set(withIds, list);
  return list;
}

/** Clients with the same order stand by their ids, so that all nodes show the same. */
function byOrder([id, { order }]: [string, Presence], [otherId, other]: [string, Presence]): number {
  return order - other.order || (id < otherId ? -1 : 1);
}

/** Returns `PresentClient` as JSON, made from an id and `PresentUser` as JSON. */
export function withId(id: string, json: string): string {
  return `{"id":${JSON.stringify(id)},${json.slice(1)}`;
}
