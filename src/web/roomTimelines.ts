import type { ChatClient, HistoricalMessage } from "../client/chatClient";
import { readPage } from "./readPage";
import { Timeline } from "./timeline";
import { Unsent } from "./unsent";

const PAGE_SIZE = 100; // messages

export interface RoomTimelinesOptions {
  client: ChatClient;
  /** Called when the newest page of the room has been read. */
  onRead: (room: string) => void;
}

/** One timeline per room, filled by received messages, by history, and by unsent messages. */
export class RoomTimelines {
  readonly unsent: Unsent;
  readonly #options: RoomTimelinesOptions;
  readonly #timelines = new Map<string, Timeline>();
  readonly #loading = new Map<Timeline, Promise<void>>();
  /** Rooms whose unsent messages from before this visit have been sent again. */
  readonly #resumed = new Set<string>();

  constructor(options: RoomTimelinesOptions) {
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

  onMessage(message: HistoricalMessage): void {
    const { name } = message.chatRoom;
    this.of(name).append(message);
    this.unsent.remove({ uuid: message.uuid, room: name });
  }

  /** Sends the messages that an earlier visit could not send, also in rooms that are not opened. */
  resume(rooms: readonly string[]): void {
    const waiting = rooms.filter((room) => this.unsent.of(room).length > 0);
    for (const room of waiting) this.loadOlder(this.of(room)).catch(() => this.#resumeUnsent(room));
  }

  /** Reads the page before the oldest known message, or the newest page. Rejects with a ChatClientError. */
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
    timeline.prepend(
      await readPage(this.#options.client, room, { limit: PAGE_SIZE, ...(before && { before }) }),
    );
    if (before !== undefined) return;
    this.#resumeUnsent(room);
    this.#options.onRead(room);
  }

  /** Call it after the newest page is read: the page may show that these messages were stored. */
  #resumeUnsent(room: string): void {
    if (this.#resumed.has(room)) return;
    this.#resumed.add(room);
    this.unsent.resume(room, (message) => this.of(room).has(message));
  }
}
