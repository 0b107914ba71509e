import type { StoredMessage } from "../messageLog/messageLog";

const CAPACITY = 1_000; // messages, over all rooms: more than arrive while a page is read

/** The messages delivered last, in memory, for replays that have nearly caught up. */
export class RecentMessages {
  /** room name → its messages among the latest, oldest first */
  readonly #rooms = new Map<string, StoredMessage[]>();
  /** The rooms of the latest messages: a ring, oldest first from `#next` on. */
  readonly #order: string[] = [];
  #next = 0;

  add(message: StoredMessage): void {
    const { room } = message;
    const messages = this.#rooms.get(room);
    if (messages === undefined) this.#rooms.set(room, [message]);
    else messages.push(message);
    const oldest = this.#order[this.#next];
    this.#order[this.#next] = room;
    this.#next = (this.#next + 1) % CAPACITY;
    if (oldest !== undefined) this.#removeOldestOf(oldest);
  }

  /**
   * Returns all messages delivered in the room after the one with that offset, oldest first, in a new array.
   * Empty if there are none, or if that message is not in memory.
   */
  after(room: string, offset: string): StoredMessage[] {
    const messages = this.#rooms.get(room) ?? [];
    const index = messages.findLastIndex((message) => message.offset === offset);
    return index < 0 ? [] : messages.slice(index + 1);
  }

  /** Call it when messages were not delivered: a replay must not step over the gap. */
  clear(): void {
    this.#rooms.clear();
    this.#order.length = 0;
    this.#next = 0;
  }

  #removeOldestOf(room: string): void {
    const messages = this.#rooms.get(room);
    messages?.shift();
    if (messages?.length === 0) this.#rooms.delete(room);
  }
}
