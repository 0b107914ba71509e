/** A part of the service that new clients need. */
export interface RequiredPart {
  /** Why the part cannot be used now, in words; undefined: it can. */
  readonly failure: string | undefined;
}

/** Whether a load balancer may send new clients here, and if not, why. */
export class Readiness {
  readonly #messageLog: RequiredPart;
  #phase: "starting" | "serving" | "draining" = "starting";

  constructor(messageLog: RequiredPart) {
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
    const { failure } = this.#messageLog;
    return [
      ...(this.#phase === "serving" ? [] : [this.#phase]),
      ...(failure === undefined ? [] : [`message log: ${failure}`]),
    ];
  }
}
