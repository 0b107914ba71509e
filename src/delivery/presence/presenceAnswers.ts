import type { RoomScope } from "../../access/roomScope";
import { EncodedJson } from "../../connections/ackEncoder";
import type { Connection } from "../../connections/engine";
import type { SlowConsumers } from "../../connections/slowConsumers";
import type { PresenceStore } from "../../presence/presenceStore";
import { ChatError, REFUSALS } from "../../protocol/refusals";
import type { ByteBudget } from "./byteBudget";

/** Answers that may wait for one connection: as many as it may send announcements at once by default. */
export const MAX_WAITING_ANSWERS = 20;
const RETRY_MS = 10; // while all waiting clients are behind

interface Answer {
  resolve: (state: EncodedJson | undefined) => void;
  reject: (refusal: ChatError) => void;
}

interface WaitingClient {
  rooms: RoomScope;
  /** Oldest first, never empty. */
  answers: Answer[];
}

/** `PresenceInformation` and its size. */
interface State {
  json: EncodedJson;
  bytes: number;
}

/**
 * The answers to announcements with an ack: each is all users, within a budget of bytes. While the budget has no room
 * answers wait, and so do those of clients that are behind with reading. Connections take turns: one answer each per
 * turn of the event loop.
 */
export class PresenceAnswers {
  readonly #store: PresenceStore;
  readonly #slowConsumers: SlowConsumers;
  readonly #budget: ByteBudget;
  /** The first connection is the next one. A connection without waiting answers is absent. */
  readonly #waiting = new Map<Connection, WaitingClient>();
  #isScheduled = false;
  #isStopped = false;

  constructor(store: PresenceStore, slowConsumers: SlowConsumers, budget: ByteBudget) {
    this.#store = store;
    this.#slowConsumers = slowConsumers;
    this.#budget = budget;
  }

  /** Whether as many answers wait for the connection as may. The next announcement is then to be refused. */
  isFull(conn: Connection): boolean {
    return (this.#waiting.get(conn)?.answers.length ?? 0) >= MAX_WAITING_ANSWERS;
  }

  /**
   * Resolves with `PresenceInformation` of that moment, by the end of this turn of the event loop if there is room; or
   * with undefined when the connection leaves before. Rejects with `Too many requests` when `stop` is called before.
   */
  answer(conn: Connection, rooms: RoomScope): Promise<EncodedJson | undefined> {
    return new Promise((resolve, reject) => {
      const client = this.#waiting.get(conn) ?? { rooms, answers: [] };
      client.answers.push({ resolve, reject });
      this.#waiting.set(conn, client);
      if (!this.#isScheduled) this.#schedule(0);
    });
  }

  /** Drops what waits for the connection. */
  remove(conn: Connection): void {
    for (const { resolve } of this.#waiting.get(conn)?.answers ?? []) resolve(undefined);
    this.#waiting.delete(conn);
  }

  /** From now on answers that would have to wait are refused, those that wait already included. */
  stop(): void {
    this.#isStopped = true;
    this.#isScheduled = false; // the scheduled round may be far off, and later answers must not wait for it
    this.#runRound();
  }

  #schedule(waitMs: number): void {
    this.#isScheduled = true;
    const run = () => {
      this.#isScheduled = false;
      this.#runRound();
    };
    if (waitMs === 0) setImmediate(run);
    else setTimeout(run, waitMs).unref();
  }

  #runRound(): void {
    const waitMs = this.#answerInTurn();
    if (this.#isStopped) this.#refuseWaiting();
    else if (this.#waiting.size > 0) this.#schedule(waitMs);
  }

  /** Answers each connection at most once. Returns the ms until the next round. */
  #answerInTurn(): number {
    let nextRoundMs = RETRY_MS;
    const states = new Map<string, State>(); // by the key of their RoomScope
    for (const [conn, client] of [...this.#waiting]) {
      if (this.#slowConsumers.isBehind(conn)) continue;
      const { key } = client.rooms;
      const state = states.get(key) ?? this.#stateOf(client.rooms);
      states.set(key, state);
      const waitMs = this.#budget.spend(state.bytes);
      if (waitMs > 0) return waitMs;
      nextRoundMs = 0; // whether a client is now behind is known once its answer is written
      client.answers.shift()?.resolve(state.json);
      this.#waiting.delete(conn);
      if (client.answers.length > 0) this.#waiting.set(conn, client); // now the last connection
    }
    return nextRoundMs;
  }

  #stateOf(rooms: RoomScope): State {
    const text = `{"usersPerRoom":${this.#store.toJson({ rooms })}}`;
    return { json: new EncodedJson(text), bytes: Buffer.byteLength(text) };
  }

  #refuseWaiting(): void {
    const refusal = new ChatError(REFUSALS.tooManyRequests);
    for (const { answers } of this.#waiting.values()) for (const { reject } of answers) reject(refusal);
    this.#waiting.clear();
  }
}
