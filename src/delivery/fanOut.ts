import type { Metrics } from "../observability/metrics";
import { Audience, type AudienceHooks } from "./audience";
import { FlushSchedule } from "./flushSchedule";

export type EventKind = "presence" | "message" | "typing";

/**
 * Delivers in batches: a connection receives everything that was published to its audience in one turn of the
 * event loop in one write, because a write to a socket costs a system call, whatever its size. Each packet is
 * encoded once.
 */
export class FanOut {
  readonly #kinds: Record<EventKind, { audiences: Set<Audience>; onFlush: AudienceHooks["onFlush"] }>;
  readonly schedule = new FlushSchedule(() => {
    for (const { audiences } of Object.values(this.#kinds))
      for (const audience of audiences) audience.flush();
  });

  constructor(metrics: Metrics) {
    const kind = (name: EventKind) => ({ audiences: new Set<Audience>(), onFlush: metrics.flushesOf(name) });
    // In the order of delivery: a client learns that a user is present before it receives the user's messages.
    this.#kinds = { presence: kind("presence"), message: kind("message"), typing: kind("typing") };
  }

  /** Creates an empty audience. `kind` decides its place in the order of delivery and the label of its metrics. */
  audience(kind: EventKind, skip?: AudienceHooks["skip"]): Audience {
    const { audiences, onFlush } = this.#kinds[kind];
    const audience = new Audience({ requestFlush: () => this.schedule.request(), onFlush, skip });
    audiences.add(audience);
    return audience;
  }

  /** Forgets an audience; packets still queued for it are not delivered. */
  drop(audience: Audience): void {
    for (const { audiences } of Object.values(this.#kinds)) audiences.delete(audience);
  }
}
