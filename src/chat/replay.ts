import { UnknownOffsetError, type MessageLog, type StoredMessage } from "../messageLog/messageLog";
import { EVENTS, type Resumed, type ResumedRoom } from "../protocol/events";
import { messagePacket, messagePacketWithOffset } from "./audiences";
import { closed, type Connection } from "./engine";
import { Batch, type Packet } from "./fanOut";

const MAX_BEHIND = 1_000; // messages of a room; past it a client is better served by history
const PAGE = 200; // messages per write: what is in memory for one client, however slowly it reads

/** How far a room's replay has come. */
type Cursor = ResumedRoom & { room: string };

/**
 * Brings one client up to date. When a replay returns true, the client was sent everything delivered so far: it
 * must join the live audiences in that same tick, and there is neither gap nor repetition. False: its
 * connection has closed, or it was so slow that messages were trimmed before it got them.
 */
export class Replay {
  readonly #log: MessageLog;
  readonly #rooms: readonly string[];
  readonly #socket: Connection;
  readonly #closed: Promise<void>;

  constructor(log: MessageLog, rooms: readonly string[], socket: Connection) {
    this.#log = log;
    this.#rooms = rooms;
    this.#socket = socket;
    this.#closed = closed(socket.conn);
  }

  /** For clients that resume: what each room received after their offsets, then `resumed`. */
  async missed(resume: ReadonlyMap<string, string | null>): Promise<boolean> {
    const cursors = await Promise.all(
      this.#rooms.map((room) => this.#cursor(room, resume.get(room) ?? null)),
    );
    if (!(await this.#catchUp(cursors, messagePacketWithOffset))) return false;
    const rooms = Object.fromEntries(cursors.map(({ room, ...resumed }) => [room, resumed]));
    this.#socket.emit(EVENTS.resumed, { data: { rooms } satisfies Resumed, error: null });
    return true;
  }

  /** For clients that know nothing of history: the last messages of each room, as ordinary events. */
  async latest(count: number): Promise<boolean> {
    const cursors = await Promise.all(this.#rooms.map((room) => this.#cursor(room, null)));
    for (const cursor of cursors) {
      const { messages } = await this.#log.read(cursor.room, { limit: count });
      if (!(await this.#send(cursor, messages, messagePacket))) return false;
    }
    return this.#catchUp(cursors, messagePacket);
  }

  /** Recovery is whole or not at all: after an offset that is unknown or too far behind it starts from now. */
  async #cursor(room: string, offset: string | null): Promise<Cursor> {
    const recovered = offset === null || (await this.#isWithinReach(room, offset));
    return { room, recovered, replayed: 0, offset: (recovered ? offset : null) ?? this.#log.head(room) };
  }

  async #isWithinReach(room: string, offset: string): Promise<boolean> {
    try {
      const { after } = await this.#log.read(room, { after: offset, limit: MAX_BEHIND });
      return after === null;
    } catch (error) {
      if (error instanceof UnknownOffsetError) return false;
      throw error;
    }
  }

  async #catchUp(cursors: readonly Cursor[], encode: (message: StoredMessage) => Packet): Promise<boolean> {
    for (;;) {
      const behind = cursors.filter(({ room, offset }) => offset !== this.#log.head(room));
      if (behind.length === 0) return this.#socket.connected;
      for (const cursor of behind) {
        const { messages } = await this.#log.read(cursor.room, { after: cursor.offset, limit: PAGE });
        if (messages.length === 0 || !(await this.#send(cursor, messages, encode))) return false;
      }
    }
  }

  /** Resolves when the client's side has taken the page; with false when it has gone instead. */
  async #send(
    cursor: Cursor,
    messages: readonly StoredMessage[],
    encode: (message: StoredMessage) => Packet,
  ): Promise<boolean> {
    const last = messages.at(-1);
    if (last === undefined) return true;
    const { conn } = this.#socket;
    const taken = new Promise<void>((resolve) => new Batch(messages.map(encode)).writeTo(conn, resolve));
    cursor.offset = last.offset;
    cursor.replayed += messages.length;
    await Promise.race([taken, this.#closed]);
    return conn.readyState === "open";
  }
}
