import { MAX_MISSED_MESSAGES } from "../protocol/limits";
import type { HistoricalMessage } from "../protocol/events";
import type { Offset } from "../protocol/payloads";

interface Room {
  offset: Offset | undefined;
  /** offset → identity of each shown message, the latest 1,000 */
  shown: Map<Offset, string>;
  /** Identities of messages that the application read from history itself, the latest 1,000. */
  read: Set<string>;
  /** Live messages that wait until older ones have been shown; undefined: live messages are shown at once. */
  waiting: HistoricalMessage[] | undefined;
}

/** Received messages. Shows each message once, in its room's order, and keeps each room's offset. */
export class Inbox {
  readonly #rooms = new Map<string, Room>();
  readonly #show: (message: HistoricalMessage) => void;

  constructor(show: (message: HistoricalMessage) => void) {
    this.#show = show;
  }

  /** room → the offset to resume after; rooms without an offset are missing */
  offsets(): Record<string, Offset> {
    const known = [...this.#rooms].flatMap(([name, { offset }]) =>
      offset === undefined ? [] : [[name, offset]],
    );
    return Object.fromEntries(known) as Record<string, Offset>;
  }

  receive(room: string, message: HistoricalMessage): void {
    const state = this.#room(room);
    if (state.waiting === undefined) this.#showOnce(state, message);
    else state.waiting.push(message);
  }

  /** The room's live stream continues after this offset. */
  startAt(room: string, offset: Offset): void {
    this.#room(room).offset = offset;
  }

  /** Makes the room's live messages wait. Messages that wait from an earlier connection are dropped; they come again. */
  hold(room: string): void {
    this.#room(room).waiting = [];
  }

  /** Shows the missed messages, then those that waited. The two may overlap. */
  release(room: string, missed: readonly HistoricalMessage[], offset: Offset): void {
    const state = this.#room(room);
    const waiting = state.waiting ?? [];
    state.waiting = undefined;
    state.offset = offset;
    for (const message of [...missed, ...waiting]) this.#showOnce(state, message);
  }

  /** The connection is lost. The offsets of held rooms stay, so that the next connection recovers these rooms. */
  discardWaiting(): void {
    for (const room of this.#rooms.values()) room.waiting = undefined;
  }

  /** The application has read these messages itself. They are still shown when their events arrive. */
  markRead(room: string, messages: readonly HistoricalMessage[]): void {
    const { read } = this.#room(room);
    for (const message of messages) trim(read.add(identity(message)));
  }

  /**
   * Returns a test for messages that the application has. It compares uuid, username and time, not offsets: a log that
   * was lost gives new offsets.
   */
  knownIn(room: string): (message: HistoricalMessage) => boolean {
    const { shown, read } = this.#room(room);
    const known = new Set([...shown.values(), ...read]);
    return (message) => known.has(identity(message));
  }

  #showOnce(room: Room, message: HistoricalMessage): void {
    if (room.shown.has(message.offset)) return;
    room.offset = message.offset;
    trim(room.shown.set(message.offset, identity(message)));
    this.#show(message);
  }

  #room(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room: Room = { offset: undefined, shown: new Map(), read: new Set(), waiting: undefined };
    this.#rooms.set(name, room);
    return room;
  }
}

/** Removes the oldest entry when there are too many. */
function trim<K>(remembered: { size: number; keys(): Iterator<K>; delete(key: K): boolean }): void {
  if (remembered.size > MAX_MISSED_MESSAGES) remembered.delete(remembered.keys().next().value as K);
}

function identity({ uuid, username, serverTimestamp }: HistoricalMessage): string {
  return JSON.stringify([uuid, username, serverTimestamp]);
}
