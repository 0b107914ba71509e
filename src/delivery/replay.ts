import { roomsOf } from "../access/identity";
import { closed, closeOrTerminate, type ChatSocket } from "../connections/engine";
import type { OptIns } from "../connections/session";
import {
  StoreError,
  UnknownOffsetError,
  type MessageLog,
  type StoredMessage,
} from "../messageLog/messageLog";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { EVENTS, type Resumed, type ResumedRoom } from "../protocol/events";
import { MAX_MISSED_MESSAGES } from "../protocol/limits";
import type { Rooms } from "../protocol/rooms";
import { Batch } from "./batch";
import { messagePacket, messagePacketWithOffset, type Packet } from "./packet";
import type { RecentMessages } from "./recentMessages";

const PAGE_MESSAGES = 200; // per read; a client that reads slowly holds one page in memory
const MAX_WRITE_CHARS = 64 * 1024; // after this many characters a write ends
const MAX_UNTAKEN_CHARS = 256 * 1024; // above this, a replay waits until the client has taken all

export interface ReplayDeps {
  messageLog: MessageLog;
  /** Must hold the messages delivered last. */
  recent: RecentMessages;
  rooms: Rooms;
  /** How many messages of each room a client that cannot resume receives on connecting. */
  replayOnConnect: number;
  log: ClientEventLog;
  metrics: Metrics;
}

/** The replay of one room. `offset` is that of the last message sent to the client, or where the replay begins. */
type Cursor = ResumedRoom & { room: string };

/**
 * Brings one client up to date before it joins the live audiences. A client that resumes receives what each room
 * received after the client's offsets, then `resumed`; another client the last messages, as ordinary events.
 */
export class Replay {
  readonly #deps: ReplayDeps;
  readonly #socket: ChatSocket;
  readonly #resume: OptIns["resume"];
  readonly #closed: Promise<void>;
  #untakenChars = 0; // written since the client last had taken everything

  constructor(deps: ReplayDeps, socket: ChatSocket) {
    this.#deps = deps;
    this.#socket = socket;
    this.#resume = socket.data.optIns.resume;
    this.#closed = closed(socket.conn);
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

  /** Resolves with false if the connection closed, or if retention removed messages before the client had them. */
  async #bringUpToDate(onUpToDate: () => void): Promise<boolean> {
    const { messageLog, replayOnConnect, log } = this.#deps;
    const cursors = this.#cursors();
    if (this.#resume === undefined)
      for (const cursor of cursors) {
        const { messages } = await messageLog.read(cursor.room, { limit: replayOnConnect });
        if (!(await this.#send(messages, cursor))) return false;
      }
    const isBehind = (each: Cursor) => each.recovered && messageLog.distance(each.room, each.offset) !== 0;
    for (let behind; (behind = cursors.filter(isBehind)).length > 0;) {
      for (const cursor of behind) {
        const messages = await this.#readNext(cursor);
        if (messages === undefined && cursor.replayed === 0) cursor.recovered = false;
        else if (messages === undefined || (messages.length === 0 && isBehind(cursor))) {
          log.warn("replay stopped: messages were removed before it", { id: this.#socket.id });
          return false;
        } else if (!(await this.#send(messages, cursor))) return false;
      }
    }
    // No `await` from here on: a message that is delivered later must find the client in the live audiences.
    if (!this.#socket.connected) return false;
    this.#confirm(cursors);
    onUpToDate();
    return true;
  }

  /** The next messages after the cursor; undefined where the log does not know its offset, or removed what follows. */
  async #readNext({ room, offset, replayed }: Cursor): Promise<StoredMessage[] | undefined> {
    // After the first page from memory: while a remote log is read, more messages arrive, and that would never end.
    const recent = replayed > 0 ? this.#deps.recent.after(room, offset) : [];
    if (recent.length > 0) return recent;
    try {
      return (await this.#deps.messageLog.read(room, { after: offset, limit: PAGE_MESSAGES })).messages;
    } catch (error) {
      if (error instanceof UnknownOffsetError) return undefined;
      throw error;
    }
  }

  /**
   * Writes the messages and empties the array as it goes. It waits for the client between two writes, but not after the
   * last: meanwhile messages would arrive, without end. Resolves with false when the connection has closed.
   */
  async #send(messages: StoredMessage[], cursor: Cursor): Promise<boolean> {
    const { conn } = this.#socket;
    const encode = this.#resume ? messagePacketWithOffset : messagePacket;
    cursor.offset = messages.at(-1)?.offset ?? cursor.offset;
    cursor.replayed += messages.length;
    while (messages.length > 0) {
      const packets: Packet[] = [];
      let chars = 0;
      for (let next; chars < MAX_WRITE_CHARS && (next = messages.shift()) !== undefined;) {
        const packet = encode(next);
        packets.push(packet);
        chars += packet.length;
      }
      const taken = new Promise<void>((resolve) => new Batch(packets).writeTo(conn, resolve));
      this.#deps.metrics.replayed.inc(packets.length);
      this.#untakenChars += chars;
      if (messages.length > 0 || this.#untakenChars > MAX_UNTAKEN_CHARS) {
        await Promise.race([taken, this.#closed]);
        this.#untakenChars = 0;
      }
      if (conn.readyState !== "open") return false;
    }
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

  /** One for each room that the client may read. Recovery is whole or not at all; without an offset it begins now. */
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
}
