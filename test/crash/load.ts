import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../support/random";
import { Recorder } from "../support/recorder";
import { ROOM_NAMES } from "../support/rooms";
import { RetryingSender } from "./retryingSender";

const SENDERS = 5;
const LISTENERS = 8;
const LISTENER_STAYS_MS = 700; // at most, until a listener decides again whether to drop its connection
const RECONNECT_PAUSE_MS = 20;

/** Senders that retry until they have an ack, and listeners that reconnect and resume, each to any of the given URLs. */
export class Load {
  readonly senders: readonly RetryingSender[];
  readonly recorders: readonly Recorder[];
  readonly #urls: readonly string[];
  readonly #random: Random;
  #isOver = false;
  /** Settles before `finish` only when the load itself fails. */
  running: Promise<unknown> = Promise.resolve();

  constructor(urls: readonly string[], random: Random) {
    this.#urls = urls;
    this.#random = random;
    this.senders = names(SENDERS, "sender").map((name) => new RetryingSender(name, urls, ROOM_NAMES, random));
    this.recorders = names(LISTENERS, "listener").map((name) => new Recorder(name, ROOM_NAMES));
  }

  async start(): Promise<void> {
    for (const recorder of this.recorders) await this.#connect(recorder); // before the first message
    this.running = Promise.all([
      ...this.senders.map((sender) => sender.run()),
      ...this.recorders.map((recorder) => this.#reconnectAgainAndAgain(recorder)),
    ]);
  }

  /** Waits for the outstanding acks and lets every listener resume once more. Resolves with what went wrong. */
  async finish(): Promise<string[]> {
    const wrong: string[] = [];
    for (const sender of this.senders) sender.stop();
    this.#isOver = true;
    await this.running;
    for (const recorder of this.recorders) {
      if (!(await this.#connect(recorder))) wrong.push(`${recorder.name} cannot reconnect`);
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
    const unacked = this.#total(({ sent: { size } }) => size) - acked;
    const connections = this.recorders.reduce((sum, recorder) => sum + recorder.connections, 0);
    const retries = this.#total((sender) => sender.retries);
    const refusals = this.#total((sender) => sender.refusals);
    return `${String(acked)} acked, ${String(unacked)} not acked, ${String(retries)} retries, ${String(refusals)} refusals, ${String(connections)} times resumed`; // prettier-ignore
  }

  #total(count: (sender: RetryingSender) => number): number {
    return this.senders.reduce((sum, sender) => sum + count(sender), 0);
  }

  #connect(recorder: Recorder): Promise<boolean> {
    return recorder.connect(this.#random.pick(this.#urls), this.#random);
  }

  async #reconnectAgainAndAgain(recorder: Recorder): Promise<void> {
    const random = this.#random;
    while (!this.#isOver) {
      if (!recorder.connected && !(await this.#connect(recorder))) await pause(RECONNECT_PAUSE_MS);
      else await Promise.race([recorder.waitForMessages(random.between(1, 200)), pause(LISTENER_STAYS_MS)]);
      if (random.next() < 0.3) recorder.drop(random);
    }
  }
}

function names(count: number, role: string): string[] {
  return Array.from({ length: count }, (_, i) => role + String(i));
}
