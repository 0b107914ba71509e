import type { Resumed } from "../protocol/events";
import type { Offset } from "../protocol/payloads";
import type { RetryPolicy } from "./backoff";
import type { ChatClientError } from "./chatClientError";
import type { HistoryReader } from "./historyReader";
import type { Inbox } from "./inbox";
import type { ChatStatus } from "./types";

export interface CatchUpDeps {
  inbox: Inbox;
  history: HistoryReader;
  retries: RetryPolicy;
  /** Called when the room's history has been read, or could not be read. */
  onRoomReady: (room: string) => void;
  onError: (error: ChatClientError) => void;
}

/** Recovers what was missed between two connections: by the server's replay, or else from history. */
export class CatchUp {
  readonly #deps: CatchUpDeps;
  readonly #recovering = new Set<string>();
  readonly #incomplete = new Set<string>();
  #recovered = 0;
  /** Counts connections. History that was requested for an earlier one is dropped. */
  #attempt = 0;

  constructor(deps: CatchUpDeps) {
    this.#deps = deps;
  }

  get progress(): Omit<ChatStatus, "state"> {
    return {
      recovered: this.#recovered,
      recovering: [...this.#recovering],
      incomplete: [...this.#incomplete],
    };
  }

  /** Must be called before a connection's first event, and when the connection is lost. */
  reset(): void {
    this.#attempt += 1;
    this.#recovered = 0;
    this.#recovering.clear();
    this.#incomplete.clear();
    this.#deps.inbox.discardWaiting();
  }

  /** The replay is complete. From now on `progress` names the rooms that are read from history instead. */
  onResumed({ rooms }: Resumed): void {
    for (const [room, { recovered, replayed, offset }] of Object.entries(rooms)) {
      this.#recovered += replayed;
      if (recovered) this.#deps.inbox.startAt(room, offset);
      else void this.#readHistory(room, offset);
    }
  }

  async #readHistory(room: string, liveFrom: Offset): Promise<void> {
    const { inbox, history, retries, onRoomReady, onError } = this.#deps;
    const attempt = this.#attempt;
    const isWanted = () => attempt === this.#attempt;
    this.#recovering.add(room);
    inbox.hold(room);
    const missed = await history.readMissed(room, inbox.knownIn(room), { retries, isWanted });
    if (!isWanted()) return;
    this.#recovering.delete(room);
    if (!missed.isComplete) this.#incomplete.add(room);
    this.#recovered += missed.messages.length;
    inbox.release(room, missed.messages, liveFrom);
    if (missed.error !== undefined) onError(missed.error);
    onRoomReady(room);
  }
}
