/**
 * Decides whether a node without a lease may be declared dead. When Redis was unreachable, stuck or flushed, all nodes
 * lose their leases although they are alive. After each sign of that, they have one lease's time to register again.
 */
export class DeathWatch {
  readonly #leaseMs: number;
  readonly #now: () => number; // monotonic, ms
  #noDeathsBefore = -Infinity;
  #lastHeartbeat = -Infinity;

  constructor(leaseMs: number, now: () => number = () => performance.now()) {
    this.#leaseMs = leaseMs;
    this.#now = now;
  }

  /** Other nodes may be without a lease, too: this node has just connected to Redis, or found its own lease gone. */
  grantGrace(): void {
    this.#noDeathsBefore = this.#now() + this.#leaseMs;
  }

  /** A heartbeat succeeded. If the last one is long ago, other nodes could not renew their leases either. */
  onHeartbeat(): void {
    const now = this.#now();
    if (now - this.#lastHeartbeat > this.#leaseMs / 2) this.grantGrace();
    this.#lastHeartbeat = now;
  }

  canDeclareDead(): boolean {
    return this.#now() >= this.#noDeathsBefore;
  }
}
