import type { ByteBudget } from "./byteBudget";

/** Something ready to be sent. */
export interface Outgoing {
  /** Over all receivers. */
  bytes: number;
  send: () => void;
}

/** Sends as soon as the budget has room for what there is by then. */
export class BudgetedSender {
  readonly #budget: ByteBudget;
  readonly #prepare: () => Outgoing;
  #waiting: NodeJS.Timeout | undefined;

  /** `prepare` says what is to be sent now; it may be called in vain. */
  constructor(budget: ByteBudget, prepare: () => Outgoing) {
    this.#budget = budget;
    this.#prepare = prepare;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  sendOrWait(): void {
    const { bytes, send } = this.#prepare();
    const delay = this.#budget.spend(bytes);
    if (delay === 0) {
      send();
      return;
    }
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      this.sendOrWait();
    }, delay);
  }

  stop(): void {
    clearTimeout(this.#waiting);
  }
}
