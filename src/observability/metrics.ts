import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Gauges, read at scrape time. */
export interface Gauges {
  connections: () => Iterable<{ transport: { name: string }; protocol: number }>;
  pendingBytes: () => number;
}

const OUTCOMES = ["recovered", "unrecovered", "from_now"] as const; // `from_now`: the client passed no offset

/**
 * The service's metrics, for Prometheus. Label values come from fixed lists, never from clients, because each new value
 * is a time series that Prometheus stores. Counting costs one call per message and per flush, none per delivery.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #accepted = this.#total("messages_accepted", "Messages stored");
  readonly #appendSeconds = new Histogram({
    name: "chat_log_append_seconds",
    help: "Time from the append of a message until it is stored and delivered",
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [this.#registry],
  });
  readonly #deliveries = this.#total("deliveries", "Events sent, counted once per client", ["event"]);
  readonly #batchSizes = new Histogram({
    name: "chat_batch_events",
    help: "Events in one flush to one audience",
    labelNames: ["event"],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
    registers: [this.#registry],
  });
  readonly #flushed = new Set<string>(); // events whose series exist
  readonly #replays = this.#total("replays", "Resume attempts, one per room and client", ["outcome"]);

  readonly duplicates = this.#total("messages_duplicate", "Retries answered with the first receipt");
  readonly eventsRefused = this.#total("events_refused", "Refused events", ["reason"]);
  readonly connectionsRefused = this.#total("connections_refused", "Refused handshakes", ["reason"]);
  readonly presenceSent = this.#total("presence_broadcasts", "Presence snapshots sent to all clients");
  readonly presenceCoalesced = this.#total("presence_changes_coalesced", "Changes merged to save bytes");
  readonly slowConsumersCut = this.#total("slow_consumers_cut", "Clients disconnected for not reading");
  readonly floodersClosed = this.#total("flooding_clients_closed", "Clients disconnected for flooding");
  readonly foreignEntries = this.#total("log_foreign_entries", "Entries in Redis that are not messages");
  readonly logGaps = this.#total("log_gaps", "Gaps: messages trimmed from Redis before this node read them");
  readonly replayed = this.#total("messages_replayed", "Missed messages sent to connecting clients");

  constructor() {
    for (const outcome of OUTCOMES) this.#replays.inc({ outcome }, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Returns all metrics in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Adds memory, CPU, garbage collection and event-loop lag. These observe the process until it ends. */
  addProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  addGauges({ connections, pendingBytes }: Gauges): void {
    const registers = [this.#registry];
    new Gauge({
      name: "chat_connections",
      help: "Open connections",
      labelNames: ["transport", "eio"],
      registers,
      collect() {
        for (const transport of ["websocket", "polling"])
          for (const eio of ["3", "4"]) this.set({ transport, eio }, 0);
        for (const { transport, protocol } of connections())
          this.inc({ transport: transport.name, eio: String(protocol) });
      },
    });
    new Gauge({
      name: "chat_pending_bytes",
      help: "Bytes queued for clients behind the write in flight",
      registers,
      collect() {
        this.set(pendingBytes());
      },
    });
  }

  /** Counts a message that was stored and delivered `seconds` after its append. */
  countAccepted(seconds: number): void {
    this.#accepted.inc();
    this.#appendSeconds.observe(seconds);
  }

  /** Returns the function that counts a flush: its events, and its deliveries (events times clients). */
  flushesOf(event: string): (events: number, deliveries: number) => void {
    const count = this.#deliveries.labels(event);
    const sizes = this.#batchSizes.labels(event);
    count.inc(0);
    if (!this.#flushed.has(event)) this.#batchSizes.zero({ event }); // would set a series that exists back to 0
    this.#flushed.add(event);
    return (events, deliveries) => {
      count.inc(deliveries);
      sizes.observe(events);
    };
  }

  countReplay(outcome: (typeof OUTCOMES)[number]): void {
    this.#replays.inc({ outcome });
  }

  #total<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    return new Counter({ name: `chat_${name}_total`, help, labelNames, registers: [this.#registry] });
  }
}
