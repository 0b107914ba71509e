import type { MessageLog } from "../messageLog/messageLog";

/** Whether new clients are welcome, and if not, why: what a load balancer wants to know. */
export class Readiness {
  readonly #messageLog: Pick<MessageLog, "failure">;
  #phase: "starting" | "serving" | "draining" = "starting";

  constructor(messageLog: Pick<MessageLog, "failure">) {
    this.#messageLog = messageLog;
  }

  serving(): void {
    if (this.#phase === "starting") this.#phase = "serving"; // a service may be stopped before it has started
  }

  draining(): void {
    this.#phase = "draining";
  }

  /** What stands in the way, in words; empty when nothing does. */
  failures(): string[] {
    const { failure } = this.#messageLog;
    return [
      ...(this.#phase === "serving" ? [] : [this.#phase]),
      ...(failure === undefined ? [] : [`message log: ${failure}`]),
    ];
  }
}
