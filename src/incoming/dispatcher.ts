import { setTimeout as wait } from "node:timers/promises";
import type { ChatSocket, Connection } from "../connections/engine";
import type { FloodGuard } from "../connections/floodGuard";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { EVENTS } from "../protocol/events";
import { ChatError, REFUSALS, toChatError } from "../protocol/refusals";
import type { EventHandler } from "./eventHandler";

type Ack = ((answer: unknown) => void) | undefined;

const UNKNOWN_EVENT = new ChatError(REFUSALS.unknownEvent); // built once, as in RateLimit
const SETTLE_DEADLINE_MS = 2_000; // for events in flight when their connection is about to be closed

export interface DispatcherDeps {
  /** Event name → its handler. */
  handlers: ReadonlyMap<string, EventHandler>;
  /** Counts an event that is unknown or over the rate limit against its connection. */
  floodGuard: FloodGuard;
  log: ClientEventLog;
  metrics: Metrics;
}

/**
 * Hands each event to its handler. Every result and every failure ends here, so that each ack is called exactly once,
 * unless the client leaves before.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #inFlight = new Set<Promise<void>>();
  /** Connections that are about to be closed. Their further events are dropped, because no answer would arrive. */
  readonly #retired = new WeakSet<Connection>();

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /** Handles the events of the socket until it disconnects. */
  serve(socket: ChatSocket): void {
    socket.onAny((event: string, ...args: unknown[]) => {
      // Socket.IO calls this also for packets that follow a DISCONNECT in the same write.
      if (!socket.connected || this.#retired.has(socket.conn)) return;
      const handled = this.#onEvent(socket, event, args);
      this.#inFlight.add(handled);
      void handled.finally(() => this.#inFlight.delete(handled));
    });
    socket.on("disconnect", () => {
      for (const { limit } of this.#deps.handlers.values()) limit.forget(socket.id);
    });
  }

  /**
   * Takes no more events from these connections. Resolves when all events taken so far, from every connection, are
   * answered, at the latest after 2 s.
   */
  async retire(connections: readonly Connection[]): Promise<void> {
    for (const conn of connections) this.#retired.add(conn);
    const timeout = wait(SETTLE_DEADLINE_MS, undefined, { ref: false });
    await Promise.race([Promise.allSettled(this.#inFlight), timeout]);
  }

  async #onEvent(socket: ChatSocket, event: string, args: unknown[]): Promise<void> {
    const last = args.at(-1);
    const ack = typeof last === "function" ? (last as Ack) : undefined;
    try {
      const handler = this.#deps.handlers.get(event);
      if (handler === undefined) throw UNKNOWN_EVENT;
      handler.limit.consume(socket.id);
      const payload = args[0] === ack ? undefined : args[0];
      const { id, identity } = socket.data;
      const sender = { id, identity, conn: socket.conn, wantsAck: ack !== undefined };
      const data = await handler.handle(payload, sender);
      if (data !== undefined) ack?.({ data, error: null });
    } catch (thrown) {
      this.#refuse(socket, event, thrown, ack);
    }
  }

  /** The refusal goes to the ack, else as `server_error`; an unknown event without an ack gets no answer. */
  #refuse(socket: ChatSocket, event: string, thrown: unknown, ack: Ack): void {
    const { handlers, floodGuard, log, metrics } = this.#deps;
    const error = toChatError(thrown);
    metrics.eventsRefused.inc({ reason: error.message });
    const isKnown = handlers.has(event);
    const fields = { id: socket.id, event: isKnown ? event : undefined };
    if (thrown === error) log.warn("event refused", { ...fields, reason: error.message });
    else log.error("event failed", { ...fields, err: thrown });
    if (!isKnown || error.status === REFUSALS.tooManyRequests.status) floodGuard.onEventRefused(socket.conn);
    if (ack) ack(error.toEnvelope());
    else if (isKnown) socket.emit(EVENTS.serverError, error.toEnvelope());
  }
}
