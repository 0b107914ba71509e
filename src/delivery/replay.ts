import { roomsOf } from "../access/identity";
import { closed, closeOrTerminate, type ChatSocket } from "../connections/engine";
import type { OptIns } from "../connections/session";
import type { MessageLog, Page, StoredMessage } from "../messageLog/messageLog";
import { StoreError, UnknownOffsetError } from "../messageLog/messageLog";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { EVENTS, type Resumed, type ResumedRoom } from "../protocol/events";
import { MAX_MISSED_MESSAGES } from "../protocol/limits";
import type { Rooms } from "../protocol/rooms";
import { Batch } from "./batch";
import { messagePacket, messagePacketWithOffset, type Packet } from "./packet";
import type { RecentMessages } from "./recentMessages";

const PAGE_MESSAGES = 200; // read at once, of the messages that arrive while a client is replayed to
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
interface Cursor extends ResumedRoom {
  room: string;
  /** The room's head when the client connected. */
  goal: string;
}

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
   * Calls `onUpToDate` in a tick in which the client has been sent everything delivered so far: if the callback adds
   * it to the live audiences, there is neither gap nor repetition. When the replay fails, the connection is closed
   * instead, so that the client comes back and tries again. Never rejects.
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
    const { messageLog, log } = this.#deps;
    const cursors = this.#cursors();
    // One room after the other: each client holds at most one page in memory.
    for (const cursor of cursors) {
      const missed = await this.#readMissed(cursor);
      if (missed === undefined) cursor.recovered = false;
      else if (!(await this.#send(missed, cursor))) return false;
    }
    // Then what has arrived meanwhile, until there is nothing left.
    const isBehind = ({ recovered, room, offset }: Cursor) => recovered && offset !== messageLog.head(room);
    for (let behind; (behind = cursors.filter(isBehind)).length > 0;) {
      for (const cursor of behind) {
        const messages = await this.#readNext(cursor);
        if (messages.length === 0) {
          log.warn("replay overtaken by retention", { id: this.#socket.id });
          return false;
        }
        if (!(await this.#send(messages, cursor))) return false;
      }
    }
    // No `await` from here on: a message that is delivered later must find the client in the live audiences.
    if (!this.#socket.connected) return false;
    this.#confirm(cursors);
    onUpToDate();
    return true;
  }

  /**
   * Reads what the room received between the client's offset and its connecting, or undefined where that cannot be
   * recovered: recovery is whole or not at all. For a client that does not resume, the last messages.
   */
  async #readMissed({ room, offset, goal }: Cursor): Promise<StoredMessage[] | undefined> {
    const { messageLog, replayOnConnect } = this.#deps;
    if (!this.#resume) return (await messageLog.read(room, { limit: replayOnConnect })).messages;
    if (offset === goal) return []; // without reading, because the store may be unable to
    const page = await this.#readAfter(room, offset, MAX_MISSED_MESSAGES);
    const isWhole = page?.after === null || page?.messages.some((message) => message.offset === goal);
    return isWhole ? page?.messages : undefined;
  }

  /** The next messages after the cursor; empty where retention has removed them. */
  async #readNext({ room, offset }: Cursor): Promise<StoredMessage[]> {
    // Memory first: while a remote log is read, more messages arrive, and under steady traffic that would never end.
    const recent = this.#deps.recent.after(room, offset);
    if (recent.length > 0) return recent;
    return (await this.#readAfter(room, offset, PAGE_MESSAGES))?.messages ?? [];
  }

  /** Resolves with undefined where the log does not have what follows the offset. */
  async #readAfter(room: string, after: string, limit: number): Promise<Page | undefined> {
    try {
      return await this.#deps.messageLog.read(room, { after, limit });
    } catch (error) {
      if (error instanceof UnknownOffsetError) return undefined;
      throw error;
    }
  }

  /**
   * Writes the messages, no faster than the client takes them. Empties the array as it goes, so that written messages
   * do not stay in memory while the client reads. Resolves with false when the connection has closed.
   *
   * It waits for the client between two writes, but not after the last one: meanwhile new messages would arrive, and
   * under steady traffic a replay would never end.
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

  /** One for each room that the client may read. Where there is no offset, the replay begins now. */
  #cursors(): Cursor[] {
    const { messageLog, rooms } = this.#deps;
    const scope = roomsOf(this.#socket.data.identity);
    const visible = rooms.names().filter((room) => scope.includes(room));
    return visible.map((room) => {
      const goal = messageLog.head(room);
      return { room, goal, offset: this.#resume?.get(room) ?? goal, recovered: true, replayed: 0 };
    });
  }
}
