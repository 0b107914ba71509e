import { UnknownOffsetError, type MessageLog, type StoredMessage } from "../messageLog/messageLog";
import type { Metrics, ReplayOutcome } from "../observability/metrics";
import { MAX_MISSED_MESSAGES } from "../protocol/limits";
import { EVENTS, type Resumed, type ResumedRoom } from "../protocol/events";
import { messagePacket, messagePacketWithOffset } from "./liveAudiences";
import { closed, type ChatSocket } from "../connections/engine";
import { Batch } from "./batch";
import type { Packet } from "./packet";
import type { RecentMessages } from "./recentMessages";

const PAGE = 200; // messages read at once
const MAX_WRITE = 64 * 1024; // characters written at once; long messages make short pages
const MAX_UNTAKEN = 256 * 1024; // characters on their way to a client before the replay waits for it

type Encode = (message: StoredMessage) => Packet;

export interface ReplayParts {
  log: MessageLog;
  /** Knows everything that was delivered last. */
  recent: RecentMessages;
  /** Names of the rooms that the client may hear. */
  rooms: readonly string[];
  metrics: Metrics;
}

/** How far a room's replay has come. */
type Cursor = ResumedRoom & { room: string };

/**
 * Brings one client up to date. When a replay returns true, the client was sent everything delivered so far: it
 * must join the live audiences in that same tick, and there is neither gap nor repetition. False: its
 * connection has closed, or it was so slow that messages were trimmed before it got them.
 */
export class Replay {
  readonly #log: MessageLog;
  readonly #recent: RecentMessages;
  readonly #rooms: readonly string[];
  readonly #metrics: Metrics;
  readonly #socket: ChatSocket;
  readonly #closed: Promise<void>;
  #untaken = 0; // characters written since the client was last known to have taken everything

  constructor(socket: ChatSocket, { log, recent, rooms, metrics }: ReplayParts) {
    this.#log = log;
    this.#recent = recent;
    this.#rooms = rooms;
    this.#metrics = metrics;
    this.#socket = socket;
    this.#closed = closed(socket.conn);
  }

  /** For clients that resume: what each room received after their offsets, then `resumed`. */
  async missed(resume: ReadonlyMap<string, string | null>): Promise<boolean> {
    const cursors = await Promise.all(
      this.#rooms.map((room) => this.#cursor(room, resume.get(room) ?? null)),
    );
    const recovered = cursors.filter((cursor) => cursor.recovered);
    if (!(await this.#catchUp(recovered, messagePacketWithOffset))) return false;
    for (const cursor of cursors) cursor.offset = this.#log.head(cursor.room);
    const rooms = Object.fromEntries(cursors.map(({ room, ...resumed }) => [room, resumed]));
    this.#socket.emit(EVENTS.resumed, { data: { rooms } satisfies Resumed, error: null });
    for (const { room, recovered } of cursors)
      this.#metrics.countReplay(outcomeOf(resume.get(room) ?? null, recovered));
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
    if (offset === this.#log.head(room)) return true; // nothing to read, which the store may not be able to
    try {
      const { after } = await this.#log.read(room, { after: offset, limit: MAX_MISSED_MESSAGES });
      return after === null;
    } catch (error) {
      if (error instanceof UnknownOffsetError) return false;
      throw error;
    }
  }

  async #catchUp(cursors: readonly Cursor[], encode: Encode): Promise<boolean> {
    for (;;) {
      const behind = cursors.filter((cursor) => this.#isBehind(cursor));
      if (behind.length === 0) return this.#socket.connected;
      for (const cursor of behind) {
        const messages = await this.#after(cursor);
        if (messages.length === 0 || !(await this.#send(cursor, messages, encode))) return false;
      }
    }
  }

  #isBehind({ room, offset }: Cursor): boolean {
    return offset !== this.#log.head(room);
  }

  /** Empty when retention has overtaken the replay. */
  async #after({ room, offset }: Cursor): Promise<StoredMessage[]> {
    // While a log elsewhere is read, others arrive: under steady traffic that, too, would never end.
    const recent = this.#recent.after(room, offset);
    if (recent.length > 0) return recent;
    try {
      return (await this.#log.read(room, { after: offset, limit: PAGE })).messages;
    } catch (error) {
      if (error instanceof UnknownOffsetError) return [];
      throw error;
    }
  }

  /**
   * Writes the messages, waiting for the client while there is more to come. It does not wait for the last
   * ones: by then others have arrived, and under steady traffic a replay would never end.
   */
  async #send(cursor: Cursor, messages: readonly StoredMessage[], encode: Encode): Promise<boolean> {
    let packets: Packet[] = [];
    let size = 0;
    for (const [index, message] of messages.entries()) {
      const packet = encode(message);
      packets.push(packet);
      size += packet.length;
      cursor.offset = message.offset;
      cursor.replayed += 1;
      if (size < MAX_WRITE && index < messages.length - 1) continue;
      if (!(await this.#write(packets, size, this.#isBehind(cursor)))) return false;
      packets = [];
      size = 0;
    }
    return true;
  }

  /** Resolves with false when the client has gone. */
  async #write(packets: readonly Packet[], size: number, isMoreToCome: boolean): Promise<boolean> {
    const { conn } = this.#socket;
    const taken = new Promise<void>((resolve) => new Batch(packets).writeTo(conn, resolve));
    this.#metrics.replayed.inc(packets.length);
    this.#untaken += size;
    if (isMoreToCome || this.#untaken > MAX_UNTAKEN) {
      await Promise.race([taken, this.#closed]);
      this.#untaken = 0;
    }
    return conn.readyState === "open";
  }
}

function outcomeOf(offset: string | null, recovered: boolean): ReplayOutcome {
  if (offset === null) return "from_now";
  return recovered ? "recovered" : "unrecovered";
}
