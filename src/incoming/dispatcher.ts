import { setTimeout as wait } from "node:timers/promises";
import { ChatError, REFUSALS, toChatError } from "../protocol/refusals";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { EVENTS } from "../protocol/events";
import type { ChatSocket, Connection } from "../connections/engine";
import type { FloodGuard } from "../connections/floodGuard";
import type { EventHandler } from "./eventHandler";

type AckFunction = (answer: unknown) => void;

const SETTLE_DEADLINE = 2_000; // ms for events in flight when their connection is to be closed

export interface DispatcherOptions {
  /** event name → what to do with it */
  incoming: ReadonlyMap<string, EventHandler<unknown>>;
  floodGuard: FloodGuard;
  log: ClientEventLog;
  metrics: Metrics;
}

/** Hands each event to its handler. Every result and every failure ends here: an ack is called exactly once. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #inFlight = new Set<Promise<void>>();
  /** Connections about to be closed, whose events nobody could answer any more. */
  readonly #retired = new WeakSet<Connection>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  serve(socket: ChatSocket): void {
    socket.onAny((event: string, ...args: unknown[]) => {
      // Socket.IO calls this also for what stands behind a DISCONNECT in the same write.
      if (!socket.connected || this.#retired.has(socket.conn)) return;
      const handled = this.#onEvent(socket, event, args);
      this.#inFlight.add(handled);
      void handled.finally(() => this.#inFlight.delete(handled));
    });
    socket.on("disconnect", () => {
      for (const { limit } of this.#options.incoming.values()) void limit.forget(socket.id);
    });
  }

  /** Takes no more events from the connections; resolves when all that were taken, from anybody, are answered. */
  async retire(connections: readonly Connection[]): Promise<void> {
    for (const conn of connections) this.#retired.add(conn);
    const deadline = new AbortController();
    const settled = Promise.allSettled(this.#inFlight);
    await Promise.race([settled, wait(SETTLE_DEADLINE, undefined, { ref: false, signal: deadline.signal })]);
    deadline.abort();
  }

  async #onEvent(socket: ChatSocket, event: string, args: unknown[]): Promise<void> {
    const last = args.at(-1);
    const ack = typeof last === "function" ? (last as AckFunction) : undefined;
    try {
      const incoming = this.#options.incoming.get(event);
      if (incoming === undefined) throw new ChatError(REFUSALS.unknownEvent);
      await incoming.limit.consume(socket.id);
      const payload = args[0] === ack ? undefined : args[0];
      const { conn, data: client } = socket;
      const { id, identity } = client;
      const data = await incoming.handle(payload, { id, identity, conn, wantsAck: ack !== undefined });
      ack?.({ data, error: null });
    } catch (thrown) {
      this.#refuse(socket, event, thrown, ack);
    }
  }

  #refuse(socket: ChatSocket, event: string, thrown: unknown, ack: AckFunction | undefined): void {
    const { incoming, floodGuard, log, metrics } = this.#options;
    const error = toChatError(thrown);
    metrics.eventsRefused.inc({ reason: error.message });
    const isKnown = incoming.has(event);
    const fields = { id: socket.id, event: isKnown ? event : undefined };
    if (thrown === error) log.warn("event refused", { ...fields, reason: error.message });
    else log.error("event failed", { ...fields, err: thrown });
    if (!isKnown || error.status === REFUSALS.tooManyRequests.status) floodGuard.strike(socket.conn);
    if (ack !== undefined) ack(error.toEnvelope());
    else if (isKnown) socket.emit(EVENTS.serverError, error.toEnvelope());
  }
}
