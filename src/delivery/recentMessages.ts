import type { StoredMessage } from "../messageLog/messageLog";

const MAX_MESSAGES = 1_000; // over all rooms: more than arrive while a page is read
const MAX_CHARS = 4 * 1024 * 1024; // of JSON; reached before MAX_MESSAGES where messages are longer than 4 KB

/** The messages delivered last, in memory, for replays that have nearly caught up. */
export class RecentMessages {
  readonly #messages: StoredMessage[] = []; // oldest first
  #chars = 0;

  add(message: StoredMessage): void {
    this.#messages.push(message);
    this.#chars += message.json.length;
    while (this.#messages.length > MAX_MESSAGES || this.#chars > MAX_CHARS)
      this.#chars -= this.#messages.shift()?.json.length ?? 0;
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
    this.#chars = 0;
  }
}
