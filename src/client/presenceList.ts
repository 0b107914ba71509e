import type {
  PresenceDiff,
  PresenceInformation,
  PresenceState,
  PresentClient,
  PresentUser,
} from "../protocol/events";

/** The users of every room, kept up to date by differences. */
export class PresenceList {
  /** room name → id → client, in order of arrival */
  #rooms = new Map<string, Map<string, PresentClient>>();

  reset({ usersPerRoom }: PresenceState): void {
    const rooms = Object.entries(usersPerRoom);
    this.#rooms = new Map(
      rooms.map(([room, clients]) => [room, new Map(clients.map((client) => [client.id, client]))]),
    );
  }

  /**
   * Removes those who left, then adds those who joined. An id in both moves to the end of its room; an id that joined
   * but was there already is replaced in place.
   */
  apply({ joined, left }: PresenceDiff): void {
    for (const [room, ids] of Object.entries(left)) for (const id of ids) this.#room(room).delete(id);
    for (const [room, clients] of Object.entries(joined))
      for (const client of clients) this.#room(room).set(client.id, client);
  }

  /** Returns each username once per room, with the avatar of its latest connection. */
  merged(): PresenceInformation {
    const rooms = Array.from(this.#rooms, ([room, clients]) => [room, mergedByName(clients.values())]);
    return { usersPerRoom: Object.fromEntries(rooms) as PresenceInformation["usersPerRoom"] };
  }

  #room(name: string): Map<string, PresentClient> {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new Map<string, PresentClient>();
    this.#rooms.set(name, room);
    return room;
  }
}

function mergedByName(clients: Iterable<PresentClient>): PresentUser[] {
  const users = new Map<string, PresentUser>();
  for (const { username, avatar } of clients) users.set(username, { username, avatar });
  return [...users.values()];
}
