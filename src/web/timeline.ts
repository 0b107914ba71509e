import type { HistoricalMessage, HistoryPage, Offset } from "../client/chatClient";

/** A message of this user that is not known to be stored. */
export interface UnsentMessage {
  uuid: string;
  room: string;
  username: string;
  message: string;
  /** In ms since the epoch. */
  at: number;
  /** Why it was refused; undefined while it is being sent. */
  failure?: string;
  /** It was acked; the message itself has not been received yet. */
  isStored?: boolean;
}

/** A message as it is shown. */
export interface TimelineEntry {
  /** Stays the same when an unsent message becomes a stored one. */
  key: string;
  username: string;
  message: string;
  /** In ms since the epoch. */
  at: number;
  /** Set if the message is stored. */
  offset?: Offset;
  /** Set if the message is not known to be stored. */
  unsent?: UnsentMessage;
}

/** What changed: `older` entries were inserted at the beginning, everything was removed, or a live message arrived. */
export interface TimelineChange {
  older?: number;
  isReset?: boolean;
  received?: HistoricalMessage;
}

const MAX_STORED = 3_000; // stored messages of a room before the oldest are forgotten
const KEPT_STORED = 1_000; // of those, the newest ones that stay
const SEARCHED = 500; // newest stored messages in which an unsent one is looked for

type Listener = (change: TimelineChange) => void;

/** The known messages of one room: stored ones, oldest first, then this user's unsent ones. */
export class Timeline {
  readonly room: string;
  /** The offset to pass for the next older page; null: there is none; undefined: no page has been read yet. */
  before: Offset | null | undefined;
  #stored: TimelineEntry[] = [];
  #unsent: TimelineEntry[] = [];
  readonly #offsets = new Set<Offset>();
  #newest: Offset | undefined;
  readonly #listeners = new Set<Listener>();

  constructor(room: string) {
    this.room = room;
  }

  /** Returns a function that removes the listener. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get length(): number {
    return this.#stored.length + this.#unsent.length;
  }

  /** The offset of the newest stored message. */
  get newest(): Offset | undefined {
    return this.#newest;
  }

  at(index: number): TimelineEntry | undefined {
    return index < this.#stored.length ? this.#stored[index] : this.#unsent[index - this.#stored.length];
  }

  /**
   * Inserts a page of history before the stored messages. Messages that arrived live meanwhile are not inserted twice.
   */
  prepend({ messages, before }: HistoryPage): void {
    const fresh = messages.filter(({ offset }) => !this.#offsets.has(offset));
    for (const { offset } of fresh) this.#offsets.add(offset);
    this.#newest ??= messages.at(-1)?.offset;
    this.before = before;
    this.#stored = [...fresh.map(entryOf), ...this.#stored];
    this.#notify({ older: fresh.length });
  }

  /** Adds a live message. If it is one of the unsent ones, it takes its key over. */
  append(message: HistoricalMessage): void {
    if (this.#offsets.has(message.offset)) return;
    this.#offsets.add(message.offset);
    this.#newest = message.offset;
    const own = this.#unsent.find(({ unsent }) => isSame(unsent, message));
    this.#unsent = this.#unsent.filter((entry) => entry !== own);
    this.#stored.push({ ...entryOf(message), ...(own && { key: own.key }) });
    this.#notify({ received: message });
  }

  /** Removes all stored messages, because messages between them and the next ones may be missing. */
  reset(): void {
    this.#stored = [];
    this.#offsets.clear();
    this.before = undefined;
    this.#newest = undefined;
    this.#notify({ isReset: true });
  }

  /** Limits the memory of a page that stays open for days. Returns the number of messages that were removed. */
  forgetOldest(): number {
    if (this.#stored.length < MAX_STORED) return 0;
    const forgotten = this.#stored.splice(0, this.#stored.length - KEPT_STORED);
    for (const { offset } of forgotten) this.#offsets.delete(offset ?? "");
    this.before = this.#stored[0]?.offset ?? this.before;
    return forgotten.length;
  }

  setUnsent(unsent: readonly UnsentMessage[]): void {
    const waiting = unsent.filter((message) => !this.has(message));
    this.#unsent = waiting.map((message) => ({ ...message, key: keyOf(message), unsent: message }));
    this.#notify({});
  }

  /** Whether the message is among the newest 500 stored ones. */
  has({ uuid, username }: { uuid: string; username: string }): boolean {
    const key = keyOf({ uuid, username });
    return this.#stored
      .slice(-SEARCHED)
      .some((entry) => entry.key === key || entry.key.startsWith(`${key}#`));
  }

  #notify(change: TimelineChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function isSame(unsent: UnsentMessage | undefined, { uuid, username }: HistoricalMessage): boolean {
  return unsent?.uuid === uuid && unsent.username === username;
}

/** The offset makes the key unique: senders choose uuids, so the same one may come twice. */
function entryOf({ uuid, username, message, serverTimestamp, offset }: HistoricalMessage): TimelineEntry {
  const key = `${keyOf({ uuid, username })}#${offset}`;
  return { key, username, message, at: Date.parse(serverTimestamp), offset };
}

function keyOf({ uuid, username }: { uuid: string; username: string }): string {
  return JSON.stringify([username, uuid]);
}
