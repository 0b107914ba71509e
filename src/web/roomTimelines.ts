import type { ChatClient, HistoricalMessage } from "../client/chatClient";
import { readPage } from "./readPage";
import { Timeline } from "./timeline";
import { Unsent } from "./unsent";

const PAGE = 100; // messages

export interface TimelinesOptions {
  client: ChatClient;
  /** The newest page of the room has been read. */
  onRead: (room: string) => void;
}

/** What is known of each room: what was heard, what has been read of history, and what is on its way. */
export class Timelines {
  readonly unsent: Unsent;
  readonly #options: TimelinesOptions;
  readonly #timelines = new Map<string, Timeline>();
  readonly #loading = new Map<Timeline, Promise<void>>();
  /** Rooms whose unsent messages of before the visit have been sent again. */
  readonly #resumed = new Set<string>();

  constructor(options: TimelinesOptions) {
    this.#options = options;
    const onChange = (room: string) => this.of(room).setUnsent(this.unsent.of(room));
    this.unsent = new Unsent({ client: options.client, onChange });
  }

  of(room: string): Timeline {
    const known = this.#timelines.get(room);
    if (known !== undefined) return known;
    const timeline = new Timeline(room);
    this.#timelines.set(room, timeline);
    timeline.setUnsent(this.unsent.of(room));
    return timeline;
  }

  heard(message: HistoricalMessage): void {
    const { name } = message.chatRoom;
    this.of(name).append(message);
    this.unsent.remove({ uuid: message.uuid, room: name });
  }

  /** Sends what an earlier visit could not, also in rooms that nobody opens. */
  resume(rooms: readonly string[]): void {
    const waiting = rooms.filter((room) => this.unsent.of(room).length > 0);
    for (const room of waiting) this.loadOlder(this.of(room)).catch(() => this.#resumeUnsent(room));
  }

  /** Reads the page before the oldest message that is known, or the newest. Rejects with a ChatClientError. */
  loadOlder(timeline: Timeline): Promise<void> {
    const underWay = this.#loading.get(timeline);
    if (underWay !== undefined) return underWay;
    const loading = this.#load(timeline).finally(() => this.#loading.delete(timeline));
    this.#loading.set(timeline, loading);
    return loading;
  }

  async #load(timeline: Timeline): Promise<void> {
    const { room, before } = timeline;
    if (before === null) return;
    timeline.prepend(await readPage(this.#options.client, room, { limit: PAGE, ...(before && { before }) }));
    if (before !== undefined) return;
    this.#resumeUnsent(room);
    this.#options.onRead(room);
  }

  /** Not before the newest page is here, which may show that they had arrived. */
  #resumeUnsent(room: string): void {
    if (this.#resumed.has(room)) return;
    this.#resumed.add(room);
    this.unsent.resume(room, (message) => this.of(room).has(message));
  }
}
