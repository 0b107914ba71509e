import { io, type Socket } from "socket.io-client";
import {
  EVENTS,
  type ChatMessage,
  type DataEnvelope,
  type HistoricalMessage,
  type Resumed,
} from "../../src/protocol/events";
import type { Random } from "./random";

/** A message as it was heard. */
export type Heard = HistoricalMessage;

const TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]];

/**
 * A client that comes and goes, resumes each time after the last offset it got, and records what it hears. Keeps
 * no more of the protocol than a frontend would; used by tests and by the crash script, so it knows no Jest.
 */
export class Recorder {
  readonly name: string;
  /** room → what was heard there, over all connections */
  readonly records = new Map<string, Heard[]>();
  /** Rooms that could not be recovered: where the record stood, and where it went on. */
  readonly jumps: { room: string; from: string | null; to: string }[] = [];
  /** Whatever should not have happened, in words. */
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
        if (this.#socket !== socket) return; // it left; the rest is for its next connection
        if (event !== EVENTS.resumed) {
          this.#hear(event, args);
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

  /** Resolves once `count` more messages came, or the connection ended. */
  hears(count: number): Promise<void> {
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

  /** Resolves when the connection has ended. */
  gone(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || !socket.connected) return Promise.resolve();
    return new Promise((resolve) => socket.once("disconnect", () => resolve()));
  }

  /** Leaves, with a good-bye or without. */
  drop(random: Random): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    if (random.next() < 0.5) socket.io.engine.close();
    socket.disconnect();
  }

  #hear(event: string, [envelope, offset, ...more]: unknown[]): void {
    const record = this.records.get(event);
    if (record === undefined) return; // no room
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
 * Compares a record with the log of its room, both oldest first: no gap, no repetition, the same order, to the
 * very end; gaps only where the server said so, and said so rightly. Returns what is wrong, in words.
 */
export function differences(recorder: Recorder, room: string, log: readonly Heard[]): string[] {
  const record = recorder.records.get(room) ?? [];
  const places = new Map(log.map(({ offset }, index) => [offset, index]));
  const jumps = recorder.jumps.filter((jump) => jump.room === room);
  const wrong = needlessJumps(jumps, places);
  let next = 0;
  for (const heard of record) {
    const place = places.get(heard.offset);
    if (place === undefined || JSON.stringify(log[place]) !== JSON.stringify(heard)) {
      wrong.push(`heard what the log does not have: ${JSON.stringify(heard)}`);
    } else if (place < next) {
      wrong.push(`heard no. ${String(place)} again, or after no. ${String(next - 1)}`);
    } else {
      if (place > next && !isHonest(jumps, next, place)) wrong.push(`missed ${String(next)}–${String(place - 1)}`); // prettier-ignore
      next = place + 1;
    }
  }
  if (next !== log.length && !isHonest(jumps, next, log.length)) wrong.push(`missed the last ${String(log.length - next)}`); // prettier-ignore
  return wrong.slice(0, 5).map((what) => `${recorder.name}, ${room}: ${what}`);
}

/** Only more than 1,000 messages may be skipped. */
function isHonest(jumps: Recorder["jumps"], from: number, to: number): boolean {
  return jumps.length > 0 && to - from > 1_000;
}

function needlessJumps(jumps: Recorder["jumps"], places: ReadonlyMap<string, number>): string[] {
  const placeOf = (offset: string | null) => places.get(String(offset)) ?? -1;
  return jumps
    .filter(({ from, to }) => placeOf(to) - placeOf(from) <= 1_000)
    .map((jump) => `not recovered, though within reach: ${JSON.stringify(jump)}`);
}
