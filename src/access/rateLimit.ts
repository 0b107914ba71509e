import { FixedWindow } from "../observability/fixedWindow";
import { ChatError, REFUSALS } from "../protocol/refusals";

// Built once: for each event of a flood, collecting the stack would cost more than the rest of the refusal.
const TOO_MANY_REQUESTS = new ChatError(REFUSALS.tooManyRequests);

/** Allows at most `burst` events of one key (a socket's id, an address) within `burst / perSecond` seconds. */
export class RateLimit {
  readonly #burst: number;
  /** Undefined: no limit. */
  readonly #events: FixedWindow<string> | undefined;

  /** `perSecond` 0 turns the limit off. `now` is a monotonic clock in ms. */
  constructor(perSecond: number, burst: number, now?: () => number) {
    this.#burst = burst;
    if (perSecond > 0) this.#events = new FixedWindow((burst / perSecond) * 1_000, now);
  }

  /** Counts one event. Throws the refusal `Too many requests` when the key has used up its burst. */
  consume(key: string): void {
    const count = this.#events?.count(key) ?? 0;
    if (count > this.#burst) throw TOO_MANY_REQUESTS;
  }

  /** Drops what was counted for the key, which will not come back. */
  forget(key: string): void {
    this.#events?.forget(key);
  }
}
