import type { Redis } from "ioredis";
import { formatPresence } from "./presenceWire";
import type { Presence } from "../presenceView";
import { CHANGE, type PresenceKeys } from "./presenceTable";

/** A change of one client: its id, and its presence as text, or null when it has left. */
export type Change = [id: string, presence: string | null];

export interface LocalClientsOptions {
  redis: Redis;
  keys: PresenceKeys;
  nodeId: string;
  /** ms that others believe in this node without hearing of it. */
  lease: number;
  /** Called with what is now in Redis; without `changes`: everything, after registering. */
  onStored: (change: { number: number; changes?: Change[] }) => void;
}

const CHUNK = 500; // changes in one command

/** This node's clients, and their copy in Redis, from which the other nodes know them. */
export class LocalClients {
  readonly #options: LocalClientsOptions;
  readonly #clients = new Map<string, Presence>();
  /** client id → what is to be told of it, latest state only */
  #untold = new Map<string, string | null>();
  #isRegistered = false;
  #isRegistering = false;
  #isTelling = false;
  #number = 0;

  constructor(options: LocalClientsOptions) {
    this.#options = options;
  }

  put(id: string, presence: Presence): void {
    this.#clients.set(id, presence);
    this.#tell(id, formatPresence(presence));
  }

  remove(id: string): void {
    if (this.#clients.delete(id)) this.#tell(id, null);
  }

  /** What is in Redis may be gone or old: from now on nothing is told until `register`. */
  forgetRegistration(): void {
    this.#isRegistered = false;
  }

  /** Writes everything anew unless that has been done. Rejects with what Redis says. */
  async register(): Promise<void> {
    if (this.#isRegistered) return;
    this.#isRegistering = true;
    await this.#writeAll().finally(() => (this.#isRegistering = false));
    this.#schedule();
  }

  async #writeAll(): Promise<void> {
    const { redis, keys, nodeId, lease, onStored } = this.#options;
    const number = Math.max(this.#number + 1, Date.now() * 1_000); // above all of its earlier registrations
    const clients = [...this.#clients].flatMap(([id, presence]) => [id, formatPresence(presence)]);
    this.#untold.clear();
    const transaction = redis.multi().del(keys.clients + nodeId);
    for (let start = 0; start < clients.length; start += 2 * CHUNK) {
      transaction.hset(keys.clients + nodeId, ...clients.slice(start, start + 2 * CHUNK));
    }
    transaction.set(keys.lease + nodeId, "", "PX", lease).hset(keys.nodes, nodeId, number);
    const replies = (await transaction.exec()) ?? [];
    for (const [error] of replies) if (error !== null) throw error;
    this.#number = number;
    this.#isRegistered = true;
    onStored({ number });
  }

  /** Takes everything out of Redis. */
  async withdraw(): Promise<void> {
    const { redis, keys, nodeId } = this.#options;
    this.#isRegistered = false;
    await redis
      .multi()
      .del(keys.clients + nodeId, keys.lease + nodeId)
      .hdel(keys.nodes, nodeId)
      .exec();
  }

  #tell(id: string, presence: string | null): void {
    // While Redis is away clients may come and go without end; registering tells the state that is left.
    if (!this.#isRegistered && !this.#isRegistering) return;
    this.#untold.set(id, presence);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isTelling || !this.#isRegistered || this.#untold.size === 0) return;
    this.#isTelling = true;
    setImmediate(() => {
      void this.#tellAll().finally(() => {
        this.#isTelling = false;
        this.#schedule();
      });
    });
  }

  /** One command at a time, so that changes have one order; what changes meanwhile shares the next one. */
  async #tellAll(): Promise<void> {
    const { redis, keys, nodeId, onStored } = this.#options;
    const changes = [...this.#untold].slice(0, CHUNK);
    for (const [id] of changes) this.#untold.delete(id);
    const leaving = changes.filter(([, presence]) => presence === null).map(([id]) => id);
    const present = changes.flatMap(([id, presence]) => (presence === null ? [] : [id, presence]));
    const itsKeys = [keys.nodes, keys.lease + nodeId, keys.clients + nodeId];
    try {
      const number = await redis.eval(CHANGE, 3, ...itsKeys, nodeId, leaving.length, ...leaving, ...present);
      if (number === 0) throw new Error("swept");
      this.#number = Number(number);
      onStored({ number: this.#number, changes });
    } catch {
      this.#isRegistered = false; // the next beat writes everything anew
    }
  }
}
