/** Light, even load: measures when the last client of the room has a message. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "../client/connectAll";
import { DeliveryLedger } from "../client/deliveryLedger";
import type { LoadClient } from "../client/loadClient";
import { Sender } from "../client/sender";
import { CpuMeter, type Utilisation } from "../measure/cpu";
import { pick } from "../measure/pick";
import { quantile } from "../measure/statistics";
import type { Target } from "../process/target";
import type { Metrics, Options, Scenario } from "./scenario";

export const CLIENTS = 500;
const SENDERS = 10;
/** Of all senders together. */
const MESSAGES_PER_SECOND = 100;
const WARM_UP_SECONDS = 1;

export class TimingLedger extends DeliveryLedger {
  /** Index: the message's number in the order of sending. Senders take turns, so it follows from the id. */
  readonly sentAt: number[] = [];
  readonly lastArrivedAt: number[] = [];
  private readonly arrivals: number[] = [];

  constructor(
    clients = CLIENTS,
    private readonly awaited = clients,
  ) {
    super(clients, SENDERS);
  }

  readEnd(): void {}

  protected onDelivery(_client: number, sender: number, sequence: number): void {
    const message = numberOf(sender, sequence);
    const arrivals = (this.arrivals[message] ?? 0) + 1;
    this.arrivals[message] = arrivals;
    if (arrivals === this.awaited) this.lastArrivedAt[message] = performance.now();
  }
}

export function numberOf(sender: number, sequence: number): number {
  return sequence * SENDERS + sender;
}

/** Sends at an even rate through the ledger's clients; resolves with the number of warm-up messages. */
export async function evenLoad(
  target: Target,
  seconds: number,
  ledger: TimingLedger,
  newSender: (client: LoadClient, clientIndex: number, index: number) => Sender,
  clientCount = CLIENTS,
): Promise<{ warmUpMessages: number } & Utilisation> {
  const clients = await connectAll(target, clientCount, ledger);
  const senders = Array.from({ length: SENDERS }, (_, index) => {
    const clientIndex = (index * clientCount) / SENDERS;
    return newSender(pick(clients, clientIndex), clientIndex, index);
  });

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
  return { warmUpMessages, ...utilisation };
}

/** The milliseconds from sending to arrival, of each message from number `first` on. */
export function latencies(sentAt: number[], arrivedAt: number[], first: number): number[] {
  return sentAt.map((at, message) => pick(arrivedAt, message) - at).slice(first);
}

async function run(target: Target, { seconds }: Options): Promise<Metrics> {
  const ledger = new TimingLedger();
  const { warmUpMessages, ...utilisation } = await evenLoad(
    target,
    seconds,
    ledger,
    (client, _clientIndex, index) => new Sender(target, client, index),
  );
  const measured = latencies(ledger.sentAt, ledger.lastArrivedAt, warmUpMessages);
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
