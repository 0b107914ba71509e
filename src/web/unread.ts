import type { ChatClient, HistoricalMessage, Offset } from "../client/chatClient";
import { readPage } from "./readPage";
import { isTextMap, load, save } from "./storage";

const STORAGE_KEY = "read"; // room → offset of the newest message that was on the screen
const PAGE_SIZE = 100; // messages; one more than the list of rooms shows

/** Counts the unread messages of each room, including those that arrived while the page was closed. */
export class Unread {
  readonly #client: ChatClient;
  readonly #onChange: (room: string, unread: number) => void;
  readonly #counts = new Map<string, number>();
  /** Messages that arrived before their room's history was read. The history may contain them, too. */
  readonly #received = new Set<string>();
  readonly #isCaughtUp = new Set<string>();

  constructor(client: ChatClient, onChange: (room: string, unread: number) => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Counts what arrived while the page was closed. If that cannot be known, nothing is unread. */
  async catchUp(room: string): Promise<void> {
    const after = load(STORAGE_KEY, isTextMap, {})[room];
    try {
      const { messages } = await readPage(this.#client, room, { limit: PAGE_SIZE, ...(after && { after }) });
      if (after === undefined) this.#begin(room, messages);
      else this.#add(room, messages.filter((message) => this.#isNews(room, message)).length);
    } catch {
      // The server no longer has the offset, or the room cannot be read.
    }
    this.#isCaughtUp.add(room);
  }

  onMessage(room: string, message: HistoricalMessage): void {
    if (this.#isNews(room, message)) this.#add(room, 1);
    if (!this.#isCaughtUp.has(room)) this.#received.add(room + message.offset);
  }

  markRead(room: string, newest: Offset | undefined): void {
    this.#counts.delete(room);
    this.#remember(room, newest);
    this.#onChange(room, 0);
  }

  /** On a first visit only messages that arrived meanwhile are unread. */
  #begin(room: string, messages: readonly HistoricalMessage[]): void {
    const old = messages.filter(({ offset }) => !this.#received.has(room + offset));
    for (const { offset } of old) this.#received.add(room + offset); // its event may still arrive
    this.#remember(room, old.at(-1)?.offset ?? "");
  }

  #isNews(room: string, { username, offset }: HistoricalMessage): boolean {
    return username !== this.#client.username && !this.#received.has(room + offset);
  }

  #add(room: string, count: number): void {
    const unread = (this.#counts.get(room) ?? 0) + count;
    this.#counts.set(room, unread);
    this.#onChange(room, unread);
  }

  #remember(room: string, offset: Offset | undefined): void {
    if (offset !== undefined) save(STORAGE_KEY, { ...load(STORAGE_KEY, isTextMap, {}), [room]: offset });
  }
}
