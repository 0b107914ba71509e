import type { Packet } from "../packet";
import type { ByteBudget } from "./byteBudget";

/** Lets packets pass while a budget has room, and calls back when it has room again. */
export class Pacer {
  readonly #budget: ByteBudget;
  readonly #retry: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param retry called when it is time to try again, with what is to be sent by then */
  constructor(budget: ByteBudget, retry: () => void) {
    this.#budget = budget;
    this.#retry = retry;
  }

  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * Spends the size of the packets over all their receivers. True: they are to be sent now. False: there is no room,
   * and `retry` will be called. Must not be called while `isWaiting`.
   */
  spend(packets: readonly { packet: Packet; receivers: number }[]): boolean {
    const bytes = packets.reduce(
      (sum, { packet, receivers }) => sum + Buffer.byteLength(packet) * receivers,
      0,
    );
    const waitMs = this.#budget.spend(bytes);
    if (waitMs === 0) return true;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#retry();
    }, waitMs);
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
