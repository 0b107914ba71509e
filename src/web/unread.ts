import type { ChatClient, HistoricalMessage, Offset } from "../client/chatClient";
import { readPage } from "./readPage";
import { isTexts, load, save } from "./storage";

const KEY = "read"; // room → offset of the newest message that was on the screen
const PAGE = 100; // messages; one more than are counted

/** What has been said since this person last looked, room by room, also while the page was closed. */
export class Unread {
  readonly #client: ChatClient;
  readonly #onChange: (room: string, unread: number) => void;
  readonly #counts = new Map<string, number>();
  /** What was heard before its room's history was read, which may show it too. */
  readonly #heard = new Set<string>();
  readonly #isCaughtUp = new Set<string>();

  constructor(client: ChatClient, onChange: (room: string, unread: number) => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Counts what came while the page was closed. Where that cannot be known, nothing is unread. */
  async catchUp(room: string): Promise<void> {
    const after = load(KEY, isTexts, {})[room];
    try {
      const { messages } = await readPage(this.#client, room, { limit: PAGE, ...(after && { after }) });
      if (after === undefined) this.#begin(room, messages);
      else this.#add(room, messages.filter((message) => this.#isNews(room, message)).length);
    } catch {
      // The offset is no longer kept, or the room cannot be read.
    }
    this.#isCaughtUp.add(room);
  }

  heard(room: string, message: HistoricalMessage): void {
    if (this.#isNews(room, message)) this.#add(room, 1);
    if (!this.#isCaughtUp.has(room)) this.#heard.add(room + message.offset);
  }

  seen(room: string, newest: Offset | undefined): void {
    this.#counts.delete(room);
    this.#remember(room, newest);
    this.#onChange(room, 0);
  }

  /** On a first visit nothing is unread but what has been heard meanwhile. */
  #begin(room: string, messages: readonly HistoricalMessage[]): void {
    const old = messages.filter(({ offset }) => !this.#heard.has(room + offset));
    for (const { offset } of old) this.#heard.add(room + offset); // should it be heard after all
    this.#remember(room, old.at(-1)?.offset ?? "");
  }

  #isNews(room: string, { username, offset }: HistoricalMessage): boolean {
    return username !== this.#client.username && !this.#heard.has(room + offset);
  }

  #add(room: string, count: number): void {
    const unread = (this.#counts.get(room) ?? 0) + count;
    this.#counts.set(room, unread);
    this.#onChange(room, unread);
  }

  #remember(room: string, offset: Offset | undefined): void {
    if (offset !== undefined) save(KEY, { ...load(KEY, isTexts, {}), [room]: offset });
  }
}
