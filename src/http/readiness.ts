import type { MessageLog } from "../messageLog/messageLog";

/** Whether a load balancer may send new clients here, and if not, why. */
export class Readiness {
  readonly #messageLog: Pick<MessageLog, "failure">;
  #phase: "starting" | "serving" | "draining" = "starting";

  constructor(messageLog: Pick<MessageLog, "failure">) {
    this.#messageLog = messageLog;
  }

  /** Has no effect on a service that drains already: it may be stopped before it has started. */
  markServing(): void {
    if (this.#phase === "starting") this.#phase = "serving";
  }

  markDraining(): void {
    this.#phase = "draining";
  }

  /** Returns every reason why the service is not ready, in words; empty: it is ready. */
  failures(): string[] {
    const failures = this.#phase === "serving" ? [] : [this.#phase as string];
    const { failure } = this.#messageLog;
    return failure === undefined ? failures : [...failures, `message log: ${failure}`];
  }
}
