import type { StoredMessage } from "../messageLog/messageLog";

const KEPT = 1_000; // messages over all rooms: more than are delivered while a page is read

/** The messages delivered last, in memory, for replays that have nearly caught up. */
export class RecentMessages {
  /** room → its messages among the latest, oldest first */
  readonly #rooms = new Map<string, StoredMessage[]>();
  /** Rooms of the latest messages, oldest first from `#next` on; a ring. */
  readonly #order: string[] = [];
  #next = 0;

  add(message: StoredMessage): void {
    const { room } = message;
    const messages = this.#rooms.get(room);
    if (messages === undefined) this.#rooms.set(room, [message]);
    else messages.push(message);
    const oldest = this.#order[this.#next];
    this.#order[this.#next] = room;
    this.#next = (this.#next + 1) % KEPT;
    if (oldest !== undefined) this.#forgetOldestOf(oldest);
  }

  /** What was delivered in the room after that message; empty where that is not known here. */
  after(room: string, offset: string): StoredMessage[] {
    const messages = this.#rooms.get(room) ?? [];
    const index = messages.findLastIndex((message) => message.offset === offset);
    return index < 0 ? [] : messages.slice(index + 1);
  }

  clear(): void {
    this.#rooms.clear();
    this.#order.length = 0;
    this.#next = 0;
  }

  #forgetOldestOf(room: string): void {
    const messages = this.#rooms.get(room);
    messages?.shift();
    if (messages?.length === 0) this.#rooms.delete(room);
  }
}
