import type { PresentUser } from "../protocol/events";
import type { PresenceStore } from "./presenceStore";

/** The presence of one process's clients. */
export class MemoryPresenceStore implements PresenceStore {
  /** room name → client id → the user as JSON, in order of arrival */
  readonly #rooms: Map<string, Map<string, string>>;
  /** client id → room name */
  readonly #roomOf = new Map<string, string>();

  constructor(roomNames: readonly string[]) {
    this.#rooms = new Map(roomNames.map((name) => [name, new Map<string, string>()]));
  }

  put(id: string, { username, avatar }: PresentUser, room: string): boolean {
    const users = this.#rooms.get(room);
    if (users === undefined) throw new Error(`presence in a room that does not exist: ${room}`);
    const before = this.#roomOf.get(id);
    if (before !== room) this.remove(id);
    // Each user is encoded when it changes, not in each of the many snapshots it stands in.
    users.set(id, JSON.stringify({ username, avatar }));
    this.#roomOf.set(id, room);
    return before !== room;
  }

  remove(id: string): boolean {
    const room = this.#roomOf.get(id);
    if (room === undefined) return false;
    this.#rooms.get(room)?.delete(id);
    return this.#roomOf.delete(id);
  }

  toJson(): string {
    const rooms = [...this.#rooms].map(
      ([name, users]) => `${JSON.stringify(name)}:[${[...users.values()].join(",")}]`,
    );
    return `{${rooms.join(",")}}`;
  }
}
