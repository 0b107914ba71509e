import cluster from "node:cluster";
import { AggregatorRegistry, type Registry } from "prom-client";
import type { Metrics } from "./metrics";

type Ask = { type: "metrics:ask"; id: number };
type Answer = { type: "metrics:answer"; id: number; text: string | null };

/** A worker's metrics with those of all workers: whichever is asked, the sums are the same. */
export class ClusterMetrics implements Pick<Metrics, "contentType" | "text"> {
  readonly contentType: string;
  /** number of a question → whom to answer */
  readonly #asked = new Map<number, (text: string | null) => void>();
  #id = 0;

  constructor(registry: Registry) {
    this.contentType = registry.contentType;
    AggregatorRegistry.setRegistries([registry]);
    new AggregatorRegistry(); // gives the primary this worker's when it asks
    process.on("message", ({ type, id, text }: Answer) => {
      if (type !== "metrics:answer") return;
      this.#asked.get(id)?.(text);
      this.#asked.delete(id);
    });
  }

  async text(): Promise<string> {
    this.#id += 1;
    const ask: Ask = { type: "metrics:ask", id: this.#id };
    const text = await new Promise<string | null>((resolve) => {
      this.#asked.set(ask.id, resolve);
      process.send?.(ask);
    });
    if (text === null) throw new Error("a worker did not give its metrics");
    return text;
  }
}

/** In the primary: puts the metrics of all workers together when one of them is asked for them. */
export function answerForMetrics(): void {
  const registry = new AggregatorRegistry();
  cluster.on("message", (worker, { type, id }: Ask) => {
    if (type !== "metrics:ask") return;
    const answer = (text: string | null) => {
      if (worker.isConnected()) worker.send({ type: "metrics:answer", id, text } satisfies Answer);
    };
    registry.clusterMetrics().then(answer, () => answer(null));
  });
}
