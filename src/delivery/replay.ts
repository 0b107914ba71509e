import { setTimeout as wait } from "node:timers/promises";
import type { FairQueue } from "../access/fairQueue";
import { roomsOf } from "../access/identity";
import { closed, closeOrTerminate, type ChatSocket, type Connection } from "../connections/engine";
import type { OptIns } from "../connections/session";
import { StoreError, UnknownOffsetError, type MessageLog, type PageRequest } from "../messageLog/messageLog";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { EVENTS, type Resumed, type ResumedRoom } from "../protocol/events";
import { MAX_MISSED_MESSAGES } from "../protocol/limits";
import type { Rooms } from "../protocol/rooms";
import { newestStart } from "./newestStart";
import { PAGE_BYTES, PAGE_MESSAGES, type PageKey, type ReplayPage, type ReplayPages } from "./replayPages";

const MAX_UNTAKEN_BYTES = PAGE_BYTES; // above this, the next page waits until the client has taken all before it
const RETRY_FOR_MS = 10_000; // a log that cannot be read, e.g. while Redis restarts
const RETRY_PAUSE_MS = 250;

export interface ReplayDeps {
  messageLog: MessageLog;
  pages: ReplayPages;
  /** Every page waits here for its turn: a few at a time, the clients of one user or address one after another. */
  queue: FairQueue;
  rooms: Rooms;
  /** How many messages of each room a client that cannot resume receives on connecting. */
  replayOnConnect: number;
  /** Undefined for a connection that has closed. */
  addressOf: (conn: Connection) => string | undefined;
  log: ClientEventLog;
  metrics: Metrics;
}

/** The replay of one room. `offset` is that of the last message sent to the client, or where the replay begins. */
type Cursor = ResumedRoom & { room: string };

/**
 * Brings one client up to date before it joins the live audiences. A client that resumes receives what each room
 * received after the client's offsets, then `resumed`; another client the last messages, as ordinary events. At most two
 * pages are on their way to the client: the next is read when it has taken these.
 */
export class Replay {
  readonly #deps: ReplayDeps;
  readonly #socket: ChatSocket;
  readonly #resume: OptIns["resume"];
  readonly #closed: Promise<void>;
  readonly #queueKey: string;
  #untakenBytes = 0; // written since the client last had taken everything
  #taken: Promise<void> = Promise.resolve(); // the client has taken the last page

  constructor(deps: ReplayDeps, socket: ChatSocket) {
    const { conn, data } = socket;
    this.#deps = deps;
    this.#socket = socket;
    this.#resume = data.optIns.resume;
    this.#closed = closed(conn);
    const { identity } = data;
    this.#queueKey = identity ? `user ${identity.username}` : `address ${String(deps.addressOf(conn))}`;
  }

  /**
   * Calls `onUpToDate` in a tick in which the client has been sent everything delivered so far, so that it can join the
   * live audiences without gap or repetition. If the replay fails, closes the connection instead. Never rejects.
   */
  async run(onUpToDate: () => void): Promise<void> {
    const { id, conn } = this.#socket;
    const { log } = this.#deps;
    try {
      if (await this.#bringUpToDate(onUpToDate)) return;
    } catch (err) {
      // The message log reports its own failures, and it may be away for long: no stack for these.
      if (err instanceof StoreError) log.warn("replay failed", { id, reason: err.message });
      else log.error("replay failed", { id, err });
    }
    closeOrTerminate(conn);
  }

  /** Resolves with false if the connection closed, or if messages are missing after those that the client has. */
  async #bringUpToDate(onUpToDate: () => void): Promise<boolean> {
    const cursors = this.#cursors();
    if (this.#resume === undefined) for (const cursor of cursors) await this.#moveToStart(cursor);
    for (let behind; (behind = cursors.filter((each) => this.#distance(each) !== 0)).length > 0;)
      for (const cursor of behind) {
        if (this.#untakenBytes > MAX_UNTAKEN_BYTES) await Promise.race([this.#taken, this.#closed]);
        const isComplete = this.#sendFromMemory(cursor) || (await this.#inTurn(() => this.#sendPage(cursor)));
        if (!this.#isOpen) return false;
        if (!isComplete) {
          this.#deps.log.warn("replay stopped: messages are missing", { id: this.#socket.id });
          return false;
        }
      }
    // No `await` from here on: a message that is delivered later must find the client in the live audiences.
    if (!this.#socket.connected) return false;
    this.#confirm(cursors);
    onUpToDate();
    return true;
  }

  /**
   * Sends the last page of a room without a turn if it is in memory: while a page waits and is read, more messages
   * arrive, and the replay would never end. Not the first page: the log must know the client's offset.
   */
  #sendFromMemory(cursor: Cursor): boolean {
    if (cursor.replayed === 0 || (this.#distance(cursor) ?? Infinity) > PAGE_MESSAGES) return false;
    const page = this.#deps.pages.inMemory(this.#keyOf(cursor));
    return page !== undefined && this.#send(page, cursor);
  }

  /** Resolves with false if messages are missing and the client has some of the room. If it has none, it gets none. */
  async #sendPage(cursor: Cursor): Promise<boolean> {
    const page = await unlessUnknown(this.#deps.pages.read(this.#keyOf(cursor)));
    if (!this.#isOpen || (page !== undefined && this.#send(page, cursor))) return true;
    cursor.recovered = false;
    return cursor.replayed === 0;
  }

  /**
   * Waits for the client's turn, then runs the task; again, for up to 10 s, while the log cannot be read. Resolves with
   * undefined, without a read, if the connection has closed.
   */
  async #inTurn<Result>(task: () => Promise<Result>): Promise<Result | undefined> {
    let giveUpAt = Infinity;
    for (;;)
      try {
        return await this.#deps.queue.run(this.#queueKey, async () => (this.#isOpen ? task() : undefined));
      } catch (error) {
        if (!(error instanceof StoreError) || performance.now() > giveUpAt) throw error;
        giveUpAt = Math.min(giveUpAt, performance.now() + RETRY_FOR_MS);
        await Promise.race([wait(RETRY_PAUSE_MS, undefined, { ref: false }), this.#closed]);
      }
  }

  /** Returns false, and sends nothing, if a client that resumes would miss messages between the cursor and the page. */
  #send({ batch, last }: ReplayPage, cursor: Cursor): boolean {
    const count = batch.packets.length;
    const followed = (this.#distance(cursor) ?? NaN) - (this.#distance({ ...cursor, offset: last }) ?? NaN);
    if (this.#resume !== undefined && followed !== count) return false;
    if (count === 0) return true;
    cursor.offset = last;
    cursor.replayed += count;
    this.#deps.metrics.replayed.inc(count);
    this.#untakenBytes += batch.bytes;
    const taken = new Promise<void>((resolve) => batch.writeTo(this.#socket.conn, resolve));
    this.#taken = taken;
    void taken.then(() => {
      if (this.#taken === taken) this.#untakenBytes = 0;
    });
    return true;
  }

  /** Emits `resumed`, to a client that resumes. */
  #confirm(cursors: readonly Cursor[]): void {
    const { messageLog, metrics } = this.#deps;
    if (this.#resume === undefined) return;
    const rooms: Resumed["rooms"] = {};
    for (const { room, recovered, replayed } of cursors) {
      rooms[room] = { recovered, replayed, offset: messageLog.head(room) };
      const outcome = recovered ? "recovered" : "unrecovered";
      metrics.countReplay(typeof this.#resume.get(room) === "string" ? outcome : "from_now");
    }
    this.#socket.emit(EVENTS.resumed, { data: { rooms }, error: null });
  }

  /** One for each room that the client may read. Without an offset the replay begins now. */
  #cursors(): Cursor[] {
    const { messageLog, rooms } = this.#deps;
    const scope = roomsOf(this.#socket.data.identity);
    const visible = rooms.names().filter((room) => scope.includes(room));
    return visible.map((room) => {
      const offset = this.#resume?.get(room) ?? messageLog.head(room);
      const recovered = (messageLog.distance(room, offset) ?? 0) <= MAX_MISSED_MESSAGES;
      return { room, offset, recovered, replayed: 0 };
    });
  }

  /** For a client that does not resume: moves the cursor before the room's last messages. */
  async #moveToStart(cursor: Cursor): Promise<void> {
    const { messageLog, replayOnConnect } = this.#deps;
    const read = (request: PageRequest) => this.#inTurn(() => messageLog.read(cursor.room, request));
    cursor.offset = (await unlessUnknown(newestStart(replayOnConnect, read))) ?? cursor.offset;
  }

  /** How many messages follow the cursor; 0 for a room that is not recovered. Otherwise as `MessageLog.distance`. */
  #distance({ room, offset, recovered }: Cursor): number | undefined {
    return recovered ? this.#deps.messageLog.distance(room, offset) : 0;
  }

  #keyOf({ room, offset }: Cursor): PageKey {
    return { room, after: offset, withOffsets: this.#resume !== undefined };
  }

  get #isOpen(): boolean {
    return this.#socket.conn.readyState === "open";
  }
}

/** Resolves with undefined where the log does not know the offset, or has removed what followed it. */
async function unlessUnknown<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof UnknownOffsetError) return undefined;
    throw error;
  }
}
