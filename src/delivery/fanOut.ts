import type { Metrics } from "../observability/metrics";
import { Audience, type Skip } from "./audience";
import { FlushSchedule } from "./flushSchedule";

export type EventKind = "presence" | "message" | "typing";

/**
 * Delivers in batches: a connection receives everything that was published to its audience in one turn of the
 * event loop in one write, because a write to a socket costs a system call, whatever its size. Each packet is
 * encoded once.
 */
export class FanOut {
  /** In the order of delivery: a client learns that a user is present before it receives the user's messages. */
  readonly #audiences: Readonly<Record<EventKind, Set<Audience>>> = {
    presence: new Set(),
    message: new Set(),
    typing: new Set(),
  };
  readonly #schedule = new FlushSchedule(() => this.#flushAudiences());
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /**
   * Creates an empty audience. `kind` decides its place in the order of delivery and the label of its metrics.
   * A flush leaves out the connections for which `skip` returns true; by default none.
   */
  audience(kind: EventKind, skip: Skip = () => false): Audience {
    const audience = new Audience(() => this.#schedule.request(), skip, this.#metrics.flushesOf(kind));
    this.#audiences[kind].add(audience);
    return audience;
  }

  /** Forgets an audience; packets still queued for it are not delivered. */
  drop(audience: Audience): void {
    for (const audiences of Object.values(this.#audiences)) audiences.delete(audience);
  }

  /** Whether the message log is about to deliver more. If so, a flush may wait for it, up to 5 ms. */
  expectMore(isMoreComing: boolean): void {
    this.#schedule.expectMore(isMoreComing);
  }

  /** Delivers now what was published. */
  flush(): void {
    this.#schedule.flushNow();
  }

  #flushAudiences(): void {
    for (const audiences of Object.values(this.#audiences))
      for (const audience of audiences) audience.flush();
  }
}
