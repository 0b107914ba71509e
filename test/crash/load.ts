import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../support/random";
import { Recorder } from "../support/recorder";
import { RetryingSender } from "./retryingSender";

export const ROOMS = ["/cooking", "/money", "/travel", "/pets"];

const SENDERS = 5;
const LISTENERS = 8;
const PATIENCE = 700; // ms that a listener waits for messages before it decides anew
const PAUSE = 20; // ms before a listener tries a service again that is not there

/** Acked senders, and resuming listeners that come and go: each time to any of the given URLs. */
export class Load {
  readonly senders: readonly RetryingSender[];
  readonly recorders: readonly Recorder[];
  readonly #urls: readonly string[];
  readonly #random: Random;
  #isOver = false;
  /** Settles early only when something in the load itself fails. */
  running: Promise<unknown> = Promise.resolve();

  constructor(urls: readonly string[], random: Random) {
    this.#urls = urls;
    this.#random = random;
    this.senders = names(SENDERS, "sender").map((name) => new RetryingSender(name, urls, ROOMS, random));
    this.recorders = names(LISTENERS, "listener").map((name) => new Recorder(name, ROOMS));
  }

  async start(): Promise<void> {
    for (const recorder of this.recorders) await this.#connect(recorder); // before the first message
    this.running = Promise.all([
      ...this.senders.map((sender) => sender.run()),
      ...this.recorders.map((recorder) => this.#comeAndGo(recorder)),
    ]);
  }

  /** Resolves once all is acked that will be and every listener has come back once more; with what went wrong. */
  async finish(): Promise<string[]> {
    const wrong: string[] = [];
    for (const sender of this.senders) sender.stop();
    this.#isOver = true;
    await this.running;
    for (const recorder of this.recorders) {
      if (!(await this.#connect(recorder))) wrong.push(`${recorder.name} cannot come back`);
      recorder.drop(this.#random);
    }
    return wrong;
  }

  close(): void {
    this.#isOver = true;
    for (const sender of this.senders) {
      sender.stop();
      sender.close();
    }
    for (const recorder of this.recorders) recorder.drop(this.#random);
  }

  toString(): string {
    const acked = this.#total(({ acked: { size } }) => size);
    const open = this.#total(({ sent: { size } }) => size) - acked;
    const connections = this.recorders.reduce((sum, recorder) => sum + recorder.connections, 0);
    const retries = this.#total((sender) => sender.retries);
    const refusals = this.#total((sender) => sender.refusals);
    return `${String(acked)} acked, ${String(open)} not, ${String(retries)} retries, ${String(refusals)} refusals, ${String(connections)} times resumed`; // prettier-ignore
  }

  #total(count: (sender: RetryingSender) => number): number {
    return this.senders.reduce((sum, sender) => sum + count(sender), 0);
  }

  #connect(recorder: Recorder): Promise<boolean> {
    return recorder.connect(this.#random.pick(this.#urls), this.#random);
  }

  async #comeAndGo(recorder: Recorder): Promise<void> {
    const random = this.#random;
    while (!this.#isOver) {
      if (!recorder.connected && !(await this.#connect(recorder))) await wait(PAUSE);
      else await Promise.race([recorder.hears(random.between(1, 200)), wait(PATIENCE)]);
      if (random.next() < 0.3) recorder.drop(random);
    }
  }
}

function names(count: number, what: string): string[] {
  return Array.from({ length: count }, (_, i) => what + String(i));
}
