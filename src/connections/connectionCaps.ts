import type { ChatLimits } from "./limits";

/** Counts connections, handshakes under way included, against the caps: all together and per address. */
export class ConnectionCaps {
  readonly #limits: Pick<ChatLimits, "maxConnections" | "maxConnectionsPerIp">;
  /** address → its connections */
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: Pick<ChatLimits, "maxConnections" | "maxConnectionsPerIp">) {
    this.#limits = limits;
  }

  /** Whether a further connection from the address would exceed a cap. */
  isFull(address: string): boolean {
    const { maxConnections, maxConnectionsPerIp } = this.#limits;
    if (maxConnections > 0 && this.#total >= maxConnections) return true;
    return maxConnectionsPerIp > 0 && (this.#perAddress.get(address) ?? 0) >= maxConnectionsPerIp;
  }

  add(address: string): void {
    this.#total += 1;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  remove(address: string): void {
    this.#total -= 1;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }
}
