/** Light, even load: how long until the last client of the room has a message. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "../client/connectAll";
import { DeliveryLedger } from "../client/deliveryLedger";
import { Sender } from "../client/sender";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import { quantile } from "../measure/statistics";
import type { Metrics, Options, Scenario, Target } from "./scenario";

const CLIENTS = 500;
const SENDERS = 10;
const MESSAGES_PER_SECOND = 100; // of all senders together
const WARM_UP_SECONDS = 1;

class TimingLedger extends DeliveryLedger {
  /** By the number of the message in the order of sending; senders take turns, so it follows from the id. */
  readonly sentAt: number[] = [];
  readonly lastArrivedAt: number[] = [];
  private readonly arrivals: number[] = [];

  readEnd(): void {}

  protected onDelivery(_client: number, sender: number, sequence: number): void {
    const message = sequence * SENDERS + sender;
    const arrivals = (this.arrivals[message] ?? 0) + 1;
    this.arrivals[message] = arrivals;
    if (arrivals === CLIENTS) this.lastArrivedAt[message] = performance.now();
  }
}

async function run(target: Target, { seconds }: Options): Promise<Metrics> {
  const ledger = new TimingLedger(CLIENTS, SENDERS);
  const clients = await connectAll(target, CLIENTS, ledger);
  const senders = Array.from(
    { length: SENDERS },
    (_, index) => new Sender(target, pick(clients, (index * CLIENTS) / SENDERS), index),
  );

  const warmUpMessages = WARM_UP_SECONDS * MESSAGES_PER_SECOND;
  const messages = warmUpMessages + Math.round(seconds * MESSAGES_PER_SECOND);
  let cpu = new CpuMeter(target.pid);
  const startedAt = performance.now();
  for (let message = 0; message < messages; message++) {
    const dueAt = startedAt + (message * 1000) / MESSAGES_PER_SECOND;
    await pause(Math.max(0, dueAt - performance.now()));
    if (message === warmUpMessages) cpu = new CpuMeter(target.pid);
    ledger.sentAt[message] = performance.now();
    pick(senders, message % SENDERS).send(1);
  }
  const utilisation = cpu.read();

  await ledger.settle(senders);
  for (const client of clients) client.close();
  const latencies = ledger.sentAt.map((sentAt, message) => pick(ledger.lastArrivedAt, message) - sentAt);
  const measured = latencies.slice(warmUpMessages);
  return { p50: quantile(measured, 0.5), p99: quantile(measured, 0.99), ...utilisation };
}

export const latency: Scenario = {
  name: "latency",
  rows: [
    { metric: "p50", label: "Latency to the last of 500 clients, p50", unit: "ms" },
    { metric: "p99", label: "Latency to the last of 500 clients, p99", unit: "ms" },
  ],
  run,
};
