/**
 * Runs tasks, at most `maxRunning` at a time, and starts at most as many in one turn of the event loop. Keys (an
 * address, a user) take turns: many tasks of one key wait for each other, and delay a task of another key by one.
 */
export class FairQueue {
  readonly #maxRunning: number;
  /** key → starts its waiting tasks, oldest first; the first key is next. A key without waiting tasks is absent. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #running = 0;

  constructor(maxRunning: number) {
    this.#maxRunning = maxRunning;
  }

  /** Resolves or rejects as the task does. */
  async run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    await this.#turnOf(key);
    try {
      return await task();
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  #turnOf(key: string): Promise<void> {
    return new Promise((resolve) => {
      const starts = this.#waiting.get(key);
      if (starts === undefined) this.#waiting.set(key, [resolve]);
      else starts.push(resolve);
      this.#startNext();
    });
  }

  #startNext(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#running >= this.#maxRunning) return;
    const [key, starts] = next;
    const start = starts.shift();
    this.#waiting.delete(key);
    if (starts.length > 0) this.#waiting.set(key, starts); // now the last key
    this.#running += 1;
    setImmediate(() => start?.());
  }
}
