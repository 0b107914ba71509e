const MAX_KEYS_PER_GENERATION = 100_000;

/**
 * Counts events per key. The first event of a key opens its window, which lasts `windowMs`; the first event after that
 * opens the next one. Needs no timer: windows live in two generations, and the older one is dropped as a whole when all
 * its windows are over. A generation that is full is dropped early, so that memory stays bounded however many keys
 * there are; then some counts start again.
 */
export class FixedWindow<Key> {
  readonly #windowMs: number;
  readonly #now: () => number;
  /** key → when its window opened, in monotonic ms, and its events since */
  #current = new Map<Key, { openedAt: number; count: number }>();
  #previous = this.#current;
  #rotatedAt: number;

  /** `now` is a monotonic clock in ms. */
  constructor(windowMs: number, now = () => performance.now()) {
    this.#windowMs = windowMs;
    this.#now = now;
    this.#rotatedAt = now();
  }

  /** Counts one event, or `events`. Returns the number of events in the key's window, these included. */
  count(key: Key, events = 1): number {
    const now = this.#now();
    if (now - this.#rotatedAt >= this.#windowMs || this.#current.size >= MAX_KEYS_PER_GENERATION) {
      this.#previous = this.#current;
      this.#current = new Map();
      this.#rotatedAt = now;
    }
    const window = this.#current.get(key) ?? this.#previous.get(key);
    if (window !== undefined && now - window.openedAt < this.#windowMs) return (window.count += events);
    this.#current.set(key, { openedAt: now, count: events });
    return events;
  }

  forget(key: Key): void {
    this.#current.delete(key);
    this.#previous.delete(key);
  }
}
