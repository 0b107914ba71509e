import { RateLimiterMemory } from "rate-limiter-flexible";
import { ChatError, REFUSALS } from "../protocol/refusals";

/**
 * At most `burst` events of one connection within `burst / perSecond` seconds. 0 per second is no limit.
 * Each check settles after the same number of microtasks, so a client's events keep their order.
 */
export class RateLimit {
  readonly #limiter: RateLimiterMemory | undefined;

  constructor(perSecond: number, burst: number) {
    if (perSecond > 0) this.#limiter = new RateLimiterMemory({ points: burst, duration: burst / perSecond });
  }

  /** Throws the refusal when the connection has used up what it may send. */
  async consume(connectionId: string): Promise<void> {
    try {
      await this.#limiter?.consume(connectionId);
    } catch {
      throw new ChatError(REFUSALS.tooManyRequests);
    }
  }

  async forget(connectionId: string): Promise<void> {
    await this.#limiter?.delete(connectionId);
  }
}
