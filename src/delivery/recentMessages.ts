import type { StoredMessage } from "../messageLog/messageLog";

const CAPACITY = 1_000; // messages, over all rooms: more than arrive while a page is read

/** The messages delivered last, in memory, for replays that have nearly caught up. */
export class RecentMessages {
  readonly #messages: StoredMessage[] = []; // oldest first

  add(message: StoredMessage): void {
    if (this.#messages.push(message) > CAPACITY) this.#messages.shift();
  }

  /**
   * Returns all messages delivered in the room after the one with that offset, oldest first, in a new array.
   * Empty if there are none, or if that message is not in memory.
   */
  after(room: string, offset: string): StoredMessage[] {
    const isInRoom = (message: StoredMessage) => message.room === room;
    const index = this.#messages.findLastIndex((message) => message.offset === offset && isInRoom(message));
    return index < 0 ? [] : this.#messages.slice(index + 1).filter(isInRoom);
  }

  clear(): void {
    this.#messages.length = 0;
  }
}
