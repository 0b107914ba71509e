import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What is counted only when somebody asks. */
export interface Gauges {
  /** Every open connection. */
  connections: () => Iterable<{ transport: { name: string }; protocol: number }>;
  /** Bytes that wait for clients, all together. */
  pendingBytes: () => number;
}

/** What an audience hears. */
export type EventKind = "message" | "presence" | "typing";

/** What came of resuming in one room; `from_now`: the client asked for nothing older. */
export type ReplayOutcome = "recovered" | "unrecovered" | "from_now";

const CONNECTION_KINDS = ["websocket", "polling"].flatMap((transport) =>
  ["3", "4"].map((eio) => ({ transport, eio })),
);
const OUTCOMES: readonly ReplayOutcome[] = ["recovered", "unrecovered", "from_now"];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]; // events
const LATENCIES = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]; // seconds

/**
 * What the service counts, for Prometheus. Label values come from fixed lists, never from clients: each new one
 * is a time series that somebody stores. Costs one call per message and per flush, and nothing per delivery.
 */
export class Metrics {
  /** For who puts the metrics of several processes together. */
  readonly registry = new Registry();
  readonly #accepted = this.#counter("messages_accepted_total", "Messages that were stored");
  readonly #appendSeconds = new Histogram({
    name: "chat_log_append_seconds",
    help: "Time from handing a message to the log until it was stored and delivered",
    buckets: LATENCIES,
    registers: [this.registry],
  });
  readonly #deliveries = this.#counter("deliveries_total", "Events times the clients they went to", [
    "event",
  ]);
  readonly #batchSizes = new Histogram({
    name: "chat_batch_events",
    help: "Events that one flush brought to one audience",
    labelNames: ["event"],
    buckets: BATCH_SIZES,
    registers: [this.registry],
  });
  readonly #replays = this.#counter("replays_total", "Rooms that clients resumed", ["outcome"]);

  readonly duplicates = this.#counter("messages_duplicate_total", "Messages sent again, answered as before");
  readonly eventsRefused = this.#counter("events_refused_total", "Refused events", ["reason"]);
  readonly connectionsRefused = this.#counter("connections_refused_total", "Refused handshakes", ["reason"]);
  readonly presenceSent = this.#counter("presence_broadcasts_total", "Presence snapshots sent to everybody");
  readonly presenceCoalesced = this.#counter(
    "presence_changes_coalesced_total",
    "Presence changes told together with another one, for want of budget",
  );
  readonly slowConsumersCut = this.#counter("slow_consumers_cut_total", "Clients cut for not reading");
  readonly floodersClosed = this.#counter("flooding_clients_closed_total", "Clients closed for flooding");
  readonly foreignEntries = this.#counter(
    "log_foreign_entries_total",
    "Entries in Redis that are no messages",
  );
  readonly logGaps = this.#counter(
    "log_gaps_total",
    "Times that messages were gone before this node read them",
  );
  readonly replayed = this.#counter("messages_replayed_total", "Messages sent to clients that connected");

  constructor() {
    for (const outcome of OUTCOMES) this.#replays.inc({ outcome }, 0);
  }

  /** The format of `text`, for the header that names it. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything as it stands now. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** Adds memory, CPU, garbage collection and event-loop lag. They watch the process until its end. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Adds what is counted only when somebody asks. Once. */
  add({ connections, pendingBytes }: Gauges): void {
    const registers = [this.registry];
    new Gauge({
      name: "chat_connections",
      help: "Open connections",
      labelNames: ["transport", "eio"],
      registers,
      collect() {
        for (const kind of CONNECTION_KINDS) this.set(kind, 0);
        for (const { transport, protocol } of connections())
          this.inc({ transport: transport.name, eio: String(protocol) });
      },
    });
    new Gauge({
      name: "chat_pending_bytes",
      help: "Bytes queued for clients behind what is being written",
      registers,
      collect() {
        this.set(pendingBytes());
      },
    });
  }

  /** A message was stored and delivered, so many seconds after it had been handed to the log. */
  accepted(seconds: number): void {
    this.#accepted.inc();
    this.#appendSeconds.observe(seconds);
  }

  /** For the flushes of one audience: what to call with the events of each, and with events times clients. */
  flushesOf(event: EventKind): (events: number, deliveries: number) => void {
    const count = this.#deliveries.labels(event);
    const sizes = this.#batchSizes.labels(event);
    count.inc(0);
    this.#batchSizes.zero({ event });
    return (events, deliveries) => {
      count.inc(deliveries);
      sizes.observe(events);
    };
  }

  resumed(outcome: ReplayOutcome): void {
    this.#replays.inc({ outcome });
  }

  #counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> {
    return new Counter({ name: `chat_${name}`, help, labelNames, registers: [this.registry] });
  }
}
