import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterThisTest } from "../support/disposal";
import type { Outcome } from "./outcome";

export interface CanaryReport {
  /**
   * From the sending of each message to its arrival, less the wait for a processor (`startStopwatch`). Of a message
   * that did not arrive: until the report.
   */
  delaysMs: number[];
  /** The longest delay, wait included. */
  longestMs: number;
  /** The reasons of the messages that were refused. */
  refusals: string[];
  isConnected: boolean;
}

interface CanaryOptions {
  /** Where it sends, and where it listens. */
  urls: readonly [string, string];
  /** Of the services and their store. Their wait for a processor does not count as a delay. */
  pids: readonly number[];
  /** Between two messages. Default: 100. */
  intervalMs?: number | undefined;
}

const PROGRAM = join(__dirname, "canaryProcess.ts");
const LIMIT_MS = 1_000; // the service's promise for a message between two clients, whatever a third client does

/** An honest client that sends messages, and one that listens. Ended after the test. */
export class Canary {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once both are connected. */
  static async start({ urls, pids, intervalMs = 100 }: CanaryOptions): Promise<Canary> {
    const execArgv = ["-r", "ts-node/register/transpile-only"];
    const child = fork(PROGRAM, [String(intervalMs), ...urls, ...pids.map(String)], { execArgv });
    const canary = new Canary(child);
    afterThisTest(() => canary.stop());
    await canary.#answer();
    return canary;
  }

  /** Adds the figures since the start, or since the last call. `limitMs` bounds every single delay. */
  async addTo(outcome: Outcome, limitMs = LIMIT_MS): Promise<void> {
    this.#child.send("report");
    const { delaysMs, longestMs, refusals, isConnected } = (await this.#answer()) as CanaryReport;
    delaysMs.sort((a, b) => a - b);
    outcome.note("canary, 99th percentile", delaysMs[Math.ceil(delaysMs.length * 0.99) - 1] ?? NaN, "ms");
    outcome.atMost("canary, maximum", delaysMs.at(-1) ?? NaN, limitMs, "ms");
    outcome.note("canary, maximum with the wait for a processor", longestMs, "ms");
    outcome.expect("every message of the canary was accepted", refusals.length === 0, `${String(refusals.length)} × ${String(refusals[0])}`); // prettier-ignore
    outcome.expect("the canary stayed connected", isConnected);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  /** Resolves with the next message of the process; rejects when it ends. */
  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error("the canary's process ended"));
      this.#child.once("exit", fail);
      this.#child.once("message", (message) => {
        this.#child.off("exit", fail);
        resolve(message);
      });
    });
  }
}
