import { io, type Socket } from "socket.io-client";
import {
  EVENTS,
  type ChatMessage,
  type DataEnvelope,
  type HistoricalMessage,
  type Resumed,
} from "../../src/protocol/events";
import { MAX_MISSED_MESSAGES } from "../../src/protocol/limits";
import type { Random } from "./random";

const TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]];

/**
 * A client that connects many times, resumes each time after its last offset, and records every message. It knows no more
 * of the protocol than a frontend would. The crash program uses it, too, so it must not need Jest.
 */
export class Recorder {
  readonly name: string;
  /** room → its messages in the order of arrival, over all connections */
  readonly records = new Map<string, HistoricalMessage[]>();
  /** One entry per room that was not recovered: the offset before the jump, and the offset after it. */
  readonly jumps: { room: string; from: string | null; to: string }[] = [];
  /** Violations of the protocol, in words. */
  readonly violations: string[] = [];
  connections = 0;
  #offsets: Record<string, string | null> = {};
  #socket: Socket | undefined;

  constructor(name: string, rooms: readonly string[]) {
    this.name = name;
    for (const room of rooms) this.records.set(room, []);
  }

  /** Resolves with true once resumed, with false when the connection fails or ends before that. */
  async connect(url: string, random: Random): Promise<boolean> {
    this.drop(random);
    const before = { ...this.#offsets };
    const socket = io(url, {
      transports: random.pick(TRANSPORTS),
      forceNew: true,
      reconnection: false,
      timeout: 2_000,
      auth: { resume: before },
    });
    this.#socket = socket;
    return new Promise((resolve) => {
      let resumed = false;
      const end = () => resolve(false);
      socket.onAny((event: string, ...args: unknown[]) => {
        if (this.#socket !== socket) return; // this connection was dropped; later events belong to the next one
        if (event !== EVENTS.resumed) {
          this.#onMessage(event, args);
          return;
        }
        if (resumed) this.violations.push("resumed came twice");
        resumed = true;
        this.#resumed((args[0] as DataEnvelope<Resumed>).data, before);
        this.connections += 1;
        resolve(true);
      });
      socket.once("connect_error", end);
      socket.once("disconnect", end);
    });
  }

  get connected(): boolean {
    return this.#socket?.connected === true;
  }

  /** Resolves when `count` more events have arrived, or the connection has ended. */
  waitForMessages(count: number): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || !socket.connected) return Promise.resolve();
    let left = count;
    return new Promise((resolve) => {
      socket.onAny(() => {
        left -= 1;
        if (left <= 0) resolve();
      });
      socket.once("disconnect", () => resolve());
    });
  }

  /** Ends the connection; half of the time without a DISCONNECT packet. */
  drop(random: Random): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    if (random.next() < 0.5) socket.io.engine.close();
    socket.disconnect();
  }

  #onMessage(event: string, [envelope, offset, ...more]: unknown[]): void {
    const record = this.records.get(event);
    if (record === undefined) return; // not the event of a room
    if (typeof offset !== "string" || more.length > 0) this.violations.push(`bad arguments of ${event}`);
    const { data } = envelope as DataEnvelope<ChatMessage>;
    record.push({ ...data, offset: String(offset) });
    this.#offsets[event] = String(offset);
  }

  #resumed({ rooms }: Resumed, before: Record<string, string | null>): void {
    const expected = [...this.records.keys()].sort().join();
    if (Object.keys(rooms).sort().join() !== expected)
      this.violations.push(`resumed lists ${Object.keys(rooms).join()}`);
    for (const [room, { recovered, offset }] of Object.entries(rooms)) {
      if (!recovered) this.jumps.push({ room, from: before[room] ?? null, to: offset });
      this.#offsets[room] ??= offset;
      if (recovered && this.#offsets[room] !== offset)
        this.violations.push(`resumed says ${offset}, replay ended at ${String(this.#offsets[room])}`);
      if (!recovered) this.#offsets[room] = offset;
    }
  }
}

/**
 * Compares the record of a room with its log, both oldest first. The record must be the whole log in the same order,
 * without gaps or repetitions, except for gaps that the server announced and was allowed to. Returns the differences in
 * words, 5 at most.
 */
export function differences(recorder: Recorder, room: string, log: readonly HistoricalMessage[]): string[] {
  const record = recorder.records.get(room) ?? [];
  const places = new Map(log.map(({ offset }, index) => [offset, index]));
  const jumps = recorder.jumps.filter((jump) => jump.room === room);
  const wrong = needlessJumps(jumps, places);
  let next = 0;
  for (const message of record) {
    const place = places.get(message.offset);
    if (place === undefined || JSON.stringify(log[place]) !== JSON.stringify(message)) {
      wrong.push(`received, but not in the log: ${JSON.stringify(message)}`);
    } else if (place < next) {
      wrong.push(`received no. ${String(place)} again, or after no. ${String(next - 1)}`);
    } else {
      if (place > next && !isAllowedGap(jumps, next, place)) wrong.push(`missed ${String(next)}–${String(place - 1)}`); // prettier-ignore
      next = place + 1;
    }
  }
  if (next !== log.length && !isAllowedGap(jumps, next, log.length)) wrong.push(`missed the last ${String(log.length - next)}`); // prettier-ignore
  return wrong.slice(0, 5).map((what) => `${recorder.name}, ${room}: ${what}`);
}

/** The server may announce a gap only where more than 1,000 messages were missed. */
function isAllowedGap(jumps: Recorder["jumps"], from: number, to: number): boolean {
  return jumps.length > 0 && to - from > MAX_MISSED_MESSAGES;
}

function needlessJumps(jumps: Recorder["jumps"], places: ReadonlyMap<string, number>): string[] {
  const placeOf = (offset: string | null) => places.get(String(offset)) ?? -1;
  return jumps
    .filter(({ from, to }) => placeOf(to) - placeOf(from) <= MAX_MISSED_MESSAGES)
    .map((jump) => `not recovered, although within reach: ${JSON.stringify(jump)}`);
}
