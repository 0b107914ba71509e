import { UnknownOffsetError, type MessageLog, type StoredMessage } from "../messageLog/messageLog";
import { Batch } from "./batch";
import { messagePacket, messagePacketWithOffset } from "./packet";
import { RecentMessages } from "./recentMessages";

export const PAGE_MESSAGES = 200;
export const PAGE_BYTES = 64 * 1024; // of JSON; one write to a client
const CACHE_BYTES = 8 * 1024 * 1024; // as websocket frames; the packets for long polling take the same again

/** Where a page begins, and its form. */
export interface PageKey {
  room: string;
  /** The offset before the first message. */
  after: string;
  /** Whether the events carry offsets, as for clients that resume. */
  withOffsets: boolean;
}

/** Messages that follow each other in a room, encoded for all the clients that miss them. */
export interface ReplayPage {
  batch: Batch;
  /** The offset of the last message; of an empty page, the offset before it. */
  last: string;
  /** Whether the last message was the newest of the room when the page was read. */
  endsAtHead: boolean;
}

/**
 * The pages that replays send: at most 200 messages and 64 KB of JSON, or one message. Clients that resume at the same
 * time miss the same messages, so pages are kept for a while, and reads under way are shared. Pages end at fixed places
 * of the room, every 200 messages: replays that begin at different offsets soon need the same pages.
 */
export class ReplayPages {
  readonly #log: Pick<MessageLog, "read" | "distance">;
  readonly #recent = new RecentMessages();
  /** room name → how many of its messages were delivered since the start */
  readonly #delivered = new Map<string, number>();
  /** key → page, least recently used first */
  readonly #cache = new Map<string, ReplayPage>();
  #cachedBytes = 0;
  /** key → the read of that page */
  readonly #reading = new Map<string, Promise<ReplayPage>>();

  constructor(log: Pick<MessageLog, "read" | "distance">) {
    this.#log = log;
  }

  /** Call it for each message that is delivered. */
  add(message: StoredMessage): void {
    const { room } = message;
    this.#recent.add(message);
    this.#delivered.set(room, (this.#delivered.get(room) ?? 0) + 1);
  }

  /**
   * Reads a page, which is empty if no message follows the offset. Rejects as `MessageLog.read`. Messages that follow the
   * offset may be missing from the log: the caller checks the distance of the page's last message.
   */
  read(key: PageKey): Promise<ReplayPage> {
    const id = idOf(key);
    const cached = this.#cached(key, id);
    if (cached !== undefined) return Promise.resolve(cached);
    const underWay = this.#reading.get(id);
    if (underWay !== undefined) return underWay;
    const reading = this.#readFromLog(key);
    this.#reading.set(id, reading);
    const onEnd = (page?: ReplayPage) => {
      if (this.#reading.get(id) !== reading) return; // `clear` was called meanwhile
      this.#reading.delete(id);
      if (page !== undefined && page.batch.packets.length > 0) this.#keep(id, page);
    };
    reading.then(onEnd, () => onEnd());
    return reading;
  }

  /** Returns a page that needs no read of the log; undefined if there is none. */
  inMemory(key: PageKey): ReplayPage | undefined {
    const id = idOf(key);
    const cached = this.#cached(key, id);
    if (cached !== undefined) return cached;
    const recent = this.#recent.after(key.room, key.after);
    if (recent.length === 0) return undefined;
    const messages = firstPageOf(recent, this.#limit(key));
    const page = encode(messages, key, messages.length === recent.length);
    this.#keep(id, page);
    return page;
  }

  /** Forgets all messages: some were lost before this node could deliver them. */
  clear(): void {
    this.#recent.clear();
    this.#cache.clear();
    this.#cachedBytes = 0;
    this.#reading.clear();
  }

  async #readFromLog(key: PageKey): Promise<ReplayPage> {
    const { room, after } = key;
    const isBehind = (this.#log.distance(room, after) ?? 0) > 0;
    const request = { after, limit: this.#limit(key), maxBytes: PAGE_BYTES };
    const { messages, after: next } = await this.#log.read(room, request);
    if (messages.length === 0 && isBehind) throw new UnknownOffsetError("the messages are missing");
    return encode(messages, key, next === null);
  }

  /** The number of messages from the offset to the place where the page must end. */
  #limit({ room, after }: PageKey): number {
    const place = (this.#delivered.get(room) ?? 0) - (this.#log.distance(room, after) ?? 0);
    return PAGE_MESSAGES - (((place % PAGE_MESSAGES) + PAGE_MESSAGES) % PAGE_MESSAGES);
  }

  /** A page that was cut short by the head is not used once messages have followed: it would lead to tiny pages. */
  #cached(key: PageKey, id: string): ReplayPage | undefined {
    const page = this.#cache.get(id);
    if (page === undefined) return undefined;
    if (page.endsAtHead && this.#log.distance(key.room, page.last) !== 0) return undefined;
    this.#cache.delete(id);
    this.#cache.set(id, page);
    return page;
  }

  #keep(id: string, page: ReplayPage): void {
    this.#cachedBytes += page.batch.bytes - (this.#cache.get(id)?.batch.bytes ?? 0);
    this.#cache.delete(id);
    this.#cache.set(id, page);
    for (const [oldest, { batch }] of this.#cache) {
      if (this.#cachedBytes <= CACHE_BYTES) break;
      this.#cache.delete(oldest);
      this.#cachedBytes -= batch.bytes;
    }
  }
}

function idOf({ room, after, withOffsets }: PageKey): string {
  return JSON.stringify([room, after, withOffsets]);
}

/** The messages at the start that fit into one page. */
function firstPageOf(messages: readonly StoredMessage[], limit: number): readonly StoredMessage[] {
  let bytes = 0;
  const isBeyond = ({ json }: StoredMessage, index: number) =>
    index === limit || ((bytes += Buffer.byteLength(json)) > PAGE_BYTES && index > 0);
  const end = messages.findIndex(isBeyond);
  return end < 0 ? messages : messages.slice(0, end);
}

function encode(messages: readonly StoredMessage[], key: PageKey, endsAtHead: boolean): ReplayPage {
  const packets = messages.map(key.withOffsets ? messagePacketWithOffset : messagePacket);
  return { batch: new Batch(packets), last: messages.at(-1)?.offset ?? key.after, endsAtHead };
}
