import { ChatError, REFUSALS } from "../protocol/refusals";

/** Lends each key (an address) at most `slotsPerKey` slots at a time. Further requests of the key wait, oldest first. */
export class Slots {
  readonly #slotsPerKey: number;
  readonly #maxWaitMs: number;
  /** key → its lent slots, and what lends one to a waiting request; a key without lent slots is absent */
  readonly #keys = new Map<string, { lent: number; waiting: Set<() => void> }>();

  constructor(slotsPerKey: number, maxWaitMs: number) {
    this.#slotsPerKey = slotsPerKey;
    this.#maxWaitMs = maxWaitMs;
  }

  /**
   * Resolves with the function that gives the slot back; call it once. Rejects with the refusal `Too many requests`
   * after `maxWaitMs`.
   */
  acquire(key: string): Promise<() => void> {
    const slots = this.#keys.get(key) ?? { lent: 0, waiting: new Set() };
    this.#keys.set(key, slots);
    const release = () => this.#release(key);
    if (slots.lent < this.#slotsPerKey) {
      slots.lent += 1;
      return Promise.resolve(release);
    }
    return new Promise((resolve, reject) => {
      const lend = () => {
        clearTimeout(timer);
        resolve(release);
      };
      const timer = setTimeout(() => {
        slots.waiting.delete(lend);
        reject(new ChatError(REFUSALS.tooManyRequests));
      }, this.#maxWaitMs);
      slots.waiting.add(lend);
    });
  }

  #release(key: string): void {
    const slots = this.#keys.get(key);
    if (slots === undefined) return;
    const [lend] = slots.waiting;
    if (lend !== undefined) {
      slots.waiting.delete(lend);
      lend();
    } else if (slots.lent > 1) slots.lent -= 1;
    else this.#keys.delete(key);
  }
}
