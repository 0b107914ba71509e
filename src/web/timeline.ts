import type { HistoricalMessage, HistoryPage, Offset } from "../client/chatClient";

/** A message of this person that is not known to be stored. */
export interface UnsentMessage {
  uuid: string;
  room: string;
  username: string;
  message: string;
  /** ms since the epoch. */
  at: number;
  /** Why it will not be sent by itself; undefined: it will. */
  failure?: string;
  /** It is stored, and will be heard in a moment. */
  isStored?: boolean;
}

/** A message as it is shown. */
export interface Entry {
  /** Stays the same when an unsent message turns out to be stored. */
  key: string;
  username: string;
  message: string;
  at: number;
  /** Of a stored message. */
  offset?: Offset;
  /** Undefined: it was heard. */
  unsent?: UnsentMessage;
}

/** What changed; `older` entries were put before all others. */
export interface TimelineChange {
  older?: number;
  isReset?: boolean;
  /** A message that has just been said. */
  said?: HistoricalMessage;
}

const MOST = 3_000; // stored messages of a room, before the oldest are forgotten
const KEPT = 1_000;
const LATEST = 500; // messages that are searched for one of this person's

type Listener = (change: TimelineChange) => void;

/** What is known of one room: stored messages, oldest first, and this person's unsent ones after them. */
export class Timeline {
  readonly room: string;
  /** What to pass for the page before; null: there is none; undefined: nothing has been read yet. */
  before: Offset | null | undefined;
  #stored: Entry[] = [];
  #unsent: Entry[] = [];
  readonly #offsets = new Set<Offset>();
  #newest: Offset | undefined;
  readonly #listeners = new Set<Listener>();

  constructor(room: string) {
    this.room = room;
  }

  /** Returns what ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get length(): number {
    return this.#stored.length + this.#unsent.length;
  }

  /** Of the newest stored message that is known. */
  get newest(): Offset | undefined {
    return this.#newest;
  }

  at(index: number): Entry | undefined {
    return index < this.#stored.length ? this.#stored[index] : this.#unsent[index - this.#stored.length];
  }

  /** A page of history, older than everything that is here but what has been said since it was asked for. */
  prepend({ messages, before }: HistoryPage): void {
    const fresh = messages.filter(({ offset }) => !this.#offsets.has(offset));
    for (const { offset } of fresh) this.#offsets.add(offset);
    this.#newest ??= messages.at(-1)?.offset;
    this.before = before;
    this.#stored = [...fresh.map(entryOf), ...this.#stored];
    this.#tell({ older: fresh.length });
  }

  /** Said just now. */
  append(message: HistoricalMessage): void {
    if (this.#offsets.has(message.offset)) return;
    this.#offsets.add(message.offset);
    this.#newest = message.offset;
    const own = this.#unsent.find(({ unsent }) => isSame(unsent, message));
    this.#unsent = this.#unsent.filter((entry) => entry !== own);
    this.#stored.push({ ...entryOf(message), ...(own && { key: own.key }) });
    this.#tell({ said: message });
  }

  /** Everything is to be read anew: between what is here and what comes next something may be missing. */
  reset(): void {
    this.#stored = [];
    this.#offsets.clear();
    this.before = undefined;
    this.#newest = undefined;
    this.#tell({ isReset: true });
  }

  /** A page that stays open for days need not keep what can be read again. */
  forgetOldest(): void {
    if (this.#stored.length < MOST) return;
    const forgotten = this.#stored.splice(0, this.#stored.length - KEPT);
    for (const { offset } of forgotten) this.#offsets.delete(offset ?? "");
    this.before = this.#stored[0]?.offset ?? this.before;
  }

  setUnsent(unsent: readonly UnsentMessage[]): void {
    const waiting = unsent.filter((message) => !this.has(message));
    this.#unsent = waiting.map((message) => ({ ...message, key: keyOf(message), unsent: message }));
    this.#tell({});
  }

  /** Whether the message is among the latest stored ones that are known. */
  has({ uuid, username }: { uuid: string; username: string }): boolean {
    const key = keyOf({ uuid, username });
    return this.#stored.slice(-LATEST).some((entry) => entry.key === key || entry.key.startsWith(`${key}#`));
  }

  #tell(change: TimelineChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function isSame(unsent: UnsentMessage | undefined, { uuid, username }: HistoricalMessage): boolean {
  return unsent?.uuid === uuid && unsent.username === username;
}

/** Senders choose uuids, so one may come twice; offsets are the server's. */
function entryOf({ uuid, username, message, serverTimestamp, offset }: HistoricalMessage): Entry {
  const key = `${keyOf({ uuid, username })}#${offset}`;
  return { key, username, message, at: Date.parse(serverTimestamp), offset };
}

function keyOf({ uuid, username }: { uuid: string; username: string }): string {
  return JSON.stringify([username, uuid]);
}
