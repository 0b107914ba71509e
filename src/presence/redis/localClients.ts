import { setImmediate as nextTurn } from "node:timers/promises";
import type { NodeBus } from "../../nodes/nodeBus";
import { MAX_CHANGES, type PresenceTable } from "./presenceTable";
import { formatUpdate, PRESENCE_CHANGED, type ClientChange } from "./presenceWire";

const MAX_CHANGES_LENGTH = 256 * 1024; // characters of presence in one update; at most 3 bytes each on the node bus

/** This node's clients and their copy in Redis. Each change of the copy is published to the other nodes. */
export class LocalClients {
  readonly #table: PresenceTable;
  readonly #bus: NodeBus;
  readonly #clients = new Map<string, string>(); // client id → its presence as text
  readonly #unpublished = new Map<string, string | null>(); // likewise, null when it left; not yet in Redis
  #isRegistered = false;
  #isRegistering = false;
  #isPublishing = false;
  #version = 0;

  constructor(table: PresenceTable, bus: NodeBus) {
    this.#table = table;
    this.#bus = bus;
  }

  put(id: string, presence: string): void {
    this.#clients.set(id, presence);
    this.#publish(id, presence);
  }

  remove(id: string): void {
    if (this.#clients.delete(id)) this.#publish(id, null);
  }

  /** Stops publishing until `register`, because the copy in Redis may be lost or old. */
  forgetRegistration(): void {
    this.#isRegistered = false;
  }

  /** Writes all clients to Redis, unless this node is registered. Rejects with the error of Redis. */
  async register(): Promise<void> {
    if (this.#isRegistered) return;
    const version = Math.max(this.#version + 1, Date.now() * 1_000); // above every version before, in any run
    this.#isRegistering = true;
    this.#unpublished.clear();
    try {
      await this.#table.register(version, this.#clients);
      this.#version = version;
      this.#isRegistered = true;
    } finally {
      this.#isRegistering = false;
    }
    this.#bus.publish(PRESENCE_CHANGED, formatUpdate(version));
    void this.#publishAll();
  }

  #publish(id: string, presence: string | null): void {
    // While Redis is away this map would grow without bound. The next registration writes the current state.
    if (!this.#isRegistered && !this.#isRegistering) return;
    this.#unpublished.set(id, presence);
    void this.#publishAll();
  }

  /** Sends one command at a time, so that updates have one order. Later changes share the next command. */
  async #publishAll(): Promise<void> {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    while (this.#isRegistered && this.#unpublished.size > 0) {
      await nextTurn();
      const changes = this.#takeChanges();
      const version = await this.#table.change(changes).catch(() => 0);
      if (version === 0) {
        this.#isRegistered = false; // no lease, or an error: the next heartbeat registers and writes all clients
      } else {
        this.#version = version;
        this.#bus.publish(PRESENCE_CHANGED, formatUpdate(version, changes));
      }
    }
    this.#isPublishing = false;
  }

  /** Takes the first changes that are not published: as many as one command and one message on the bus may hold. */
  #takeChanges(): ClientChange[] {
    const changes: ClientChange[] = [];
    let length = 0;
    for (const change of this.#unpublished) {
      length += change[1]?.length ?? 0;
      if (changes.length === MAX_CHANGES || (length > MAX_CHANGES_LENGTH && changes.length > 0)) break;
      changes.push(change);
      this.#unpublished.delete(change[0]);
    }
    return changes;
  }
}
