import { roomsOf } from "../access/identity";
import { closeOrTerminate, type ChatSocket } from "../connections/engine";
import {
  StoreError,
  UnknownOffsetError,
  type MessageLog,
  type Page,
  type StoredMessage,
} from "../messageLog/messageLog";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { EVENTS, type Resumed, type ResumedRoom } from "../protocol/events";
import { MAX_MISSED_MESSAGES } from "../protocol/limits";
import type { Rooms } from "../protocol/rooms";
import { messagePacket, messagePacketWithOffset, type Packet } from "./packet";
import type { RecentMessages } from "./recentMessages";
import { ReplayWriter } from "./replayWriter";

const PAGE_MESSAGES = 200; // read at once, of the messages that arrive while a client is replayed to

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

/** `gone`: the connection closed. `overtaken`: retention removed messages before the client received them. */
type Outcome = "upToDate" | "gone" | "overtaken";

/** room name → the offset to resume after; null: from now on */
type Offsets = ReadonlyMap<string, string | null>;

/** The replay of one room. `offset` is that of the last message sent to the client, or where the replay begins. */
interface Cursor extends ResumedRoom {
  room: string;
  /** The room's head when the client connected. */
  goal: string;
}

/** Brings each client up to date before it joins the live audiences. */
export class Replay {
  readonly #deps: ReplayDeps;

  constructor(deps: ReplayDeps) {
    this.#deps = deps;
  }

  /**
   * Sends the client the messages that it must have before the live stream, then calls `onUpToDate`, in a tick in
   * which the client has been sent everything delivered so far: if the callback adds it to the live audiences,
   * there is neither gap nor repetition. When the replay fails, the connection is closed instead, so that the
   * client comes back and tries again.
   */
  begin(socket: ChatSocket, onUpToDate: () => void): void {
    const { resume } = socket.data.optIns;
    if (resume !== undefined) void this.#settle(socket, this.#resume(socket, resume, onUpToDate));
    else if (this.#deps.replayOnConnect > 0) void this.#settle(socket, this.#sendLatest(socket, onUpToDate));
    else onUpToDate();
  }

  async #settle({ id, conn }: ChatSocket, replay: Promise<Outcome>): Promise<void> {
    const { log } = this.#deps;
    try {
      const outcome = await replay;
      if (outcome === "upToDate") return;
      if (outcome === "overtaken") log.warn("replay overtaken by retention", { id });
    } catch (err) {
      // The message log reports its own failures, and it may be away for long: no stack for these.
      if (err instanceof StoreError) log.warn("replay failed", { id, reason: err.message });
      else log.error("replay failed", { id, err });
    }
    closeOrTerminate(conn);
  }

  /** For clients that resume: what each room received after the client's offsets, then `resumed`. */
  async #resume(socket: ChatSocket, offsets: Offsets, onUpToDate: () => void): Promise<Outcome> {
    const writer = this.#writer(socket, messagePacketWithOffset);
    const cursors = this.#cursors(socket, offsets);
    // One room after the other: each client holds at most one page in memory.
    for (const cursor of cursors) {
      const missed = await this.#readMissed(cursor);
      if (missed === undefined) cursor.recovered = false;
      else if (!(await send(missed, cursor, writer))) return "gone";
    }
    const recovered = cursors.filter((cursor) => cursor.recovered);
    return this.#catchUp(socket, recovered, writer, () => {
      this.#confirm(socket, cursors, offsets);
      onUpToDate();
    });
  }

  /** For clients that do not know offsets: the last messages of each room, as ordinary events. */
  async #sendLatest(socket: ChatSocket, onUpToDate: () => void): Promise<Outcome> {
    const { messageLog, replayOnConnect: limit } = this.#deps;
    const writer = this.#writer(socket, messagePacket);
    const cursors = this.#cursors(socket);
    for (const cursor of cursors) {
      const { messages } = await messageLog.read(cursor.room, { limit });
      if (!(await send(messages, cursor, writer))) return "gone";
    }
    return this.#catchUp(socket, cursors, writer, onUpToDate);
  }

  /**
   * Sends what arrives while the client is being sent older messages, until there is nothing left. Only then, and
   * in that same tick, it calls `onUpToDate`.
   */
  async #catchUp(
    socket: ChatSocket,
    cursors: readonly Cursor[],
    writer: ReplayWriter,
    onUpToDate: () => void,
  ): Promise<Outcome> {
    for (;;) {
      const behind = cursors.filter(({ room, offset }) => offset !== this.#deps.messageLog.head(room));
      if (behind.length === 0) {
        if (!socket.connected) return "gone";
        onUpToDate();
        return "upToDate";
      }
      for (const cursor of behind) {
        const messages = await this.#readNext(cursor);
        if (messages.length === 0) return "overtaken";
        if (!(await send(messages, cursor, writer))) return "gone";
      }
    }
  }

  /**
   * Reads everything that the room received between the client's offset and its connecting, or undefined where
   * that cannot be recovered: recovery is whole or not at all.
   */
  async #readMissed({ room, offset, goal }: Cursor): Promise<StoredMessage[] | undefined> {
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

  /** Emits `resumed`. */
  #confirm(socket: ChatSocket, cursors: readonly Cursor[], offsets: Offsets): void {
    const { messageLog, metrics } = this.#deps;
    const rooms: Resumed["rooms"] = {};
    for (const { room, recovered, replayed } of cursors) {
      rooms[room] = { recovered, replayed, offset: messageLog.head(room) };
      const outcome = recovered ? "recovered" : "unrecovered";
      metrics.countReplay(typeof offsets.get(room) === "string" ? outcome : "from_now");
    }
    socket.emit(EVENTS.resumed, { data: { rooms }, error: null });
  }

  /** One for each room that the client may read. Where there is no offset, the replay begins now. */
  #cursors({ data }: ChatSocket, offsets?: Offsets): Cursor[] {
    const { messageLog, rooms } = this.#deps;
    const scope = roomsOf(data.identity);
    const visible = rooms.names().filter((room) => scope.includes(room));
    return visible.map((room) => {
      const goal = messageLog.head(room);
      return { room, goal, offset: offsets?.get(room) ?? goal, recovered: true, replayed: 0 };
    });
  }

  #writer({ conn }: ChatSocket, encode: (message: StoredMessage) => Packet): ReplayWriter {
    return new ReplayWriter(conn, encode, (messages) => this.#deps.metrics.replayed.inc(messages));
  }
}

/** Resolves with false when the connection has closed. */
function send(messages: StoredMessage[], cursor: Cursor, writer: ReplayWriter): Promise<boolean> {
  cursor.offset = messages.at(-1)?.offset ?? cursor.offset;
  cursor.replayed += messages.length;
  return writer.write(messages);
}
