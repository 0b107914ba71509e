import type { Resumed } from "../protocol/events";
import type { Offset } from "../protocol/payloads";
import type { RetryPolicy } from "./backoff";
import type { ChatClientError } from "./chatClientError";
import type { History } from "./historyReader";
import type { Inbox } from "./inbox";
import type { ChatStatus } from "./types";

export interface CatchUpParts {
  inbox: Inbox;
  history: History;
  retries: RetryPolicy;
  /** The room has been read from history, as far as it can be. */
  onRoomReady: (room: string) => void;
  onError: (error: ChatClientError) => void;
}

/** Finds what was missed between two connections: by the server's replay, and where that fails in history. */
export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #recovering = new Set<string>();
  readonly #incomplete = new Set<string>();
  #recovered = 0;
  /** Another object for each connection; what was begun for an earlier one is dropped. */
  #connection = {};

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  get progress(): Omit<ChatStatus, "state"> {
    return {
      recovered: this.#recovered,
      recovering: [...this.#recovering],
      incomplete: [...this.#incomplete],
    };
  }

  /** Before a connection's first event, and when it is lost. */
  reset(): void {
    this.#connection = {};
    this.#recovered = 0;
    this.#recovering.clear();
    this.#incomplete.clear();
    this.#parts.inbox.forgetWaiting();
  }

  /** The replay is over. Rooms that had none are read from history; `progress` names them from now on. */
  resumed({ rooms }: Resumed): void {
    for (const [room, { recovered, replayed, offset }] of Object.entries(rooms)) {
      this.#recovered += replayed;
      if (recovered) this.#parts.inbox.startAt(room, offset);
      else void this.#readHistory(room, offset);
    }
  }

  async #readHistory(room: string, liveFrom: Offset): Promise<void> {
    const { inbox, history, retries, onRoomReady, onError } = this.#parts;
    const connection = this.#connection;
    const isWanted = () => connection === this.#connection;
    this.#recovering.add(room);
    inbox.hold(room);
    const missed = await history.missed(room, inbox.known(room), { retries, isWanted });
    if (!isWanted()) return;
    this.#recovering.delete(room);
    if (!missed.isComplete) this.#incomplete.add(room);
    this.#recovered += missed.messages.length;
    inbox.release(room, missed.messages, liveFrom);
    if (missed.error !== undefined) onError(missed.error);
    onRoomReady(room);
  }
}
