/** Measures acked messages per second: each sender sends the next message for each ack. All senders receive all messages. */
import { setTimeout as pause } from "node:timers/promises";
import { AckedSender, isAck } from "../client/ackedSender";
import { connectAll } from "../client/connectAll";
import { DeliveryLedger } from "../client/deliveryLedger";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import type { Target } from "../process/target";
import { SERVICE_AND_TWO_NODES, type Metrics, type Options, type Scenario } from "./scenario";

const SENDERS = 50;
const IN_FLIGHT_PER_SENDER = 8;
const WARM_UP_MS = 1000;

class AckedLedger extends DeliveryLedger {
  sending = true;
  acked = 0;
  senders: AckedSender[] = [];
  private acksInRead = 0;

  constructor() {
    super(SENDERS, SENDERS);
  }

  override frame(client: number, buffer: Buffer, start: number, end: number): void {
    if (!isAck(buffer, start)) {
      super.frame(client, buffer, start, end);
      return;
    }
    pick(this.senders, client).onAck(buffer, start, end);
    this.acked++;
    this.acksInRead++;
  }

  override readEnd(client: number): void {
    if (this.acksInRead > 0 && this.sending) pick(this.senders, client).send(this.acksInRead);
    this.acksInRead = 0;
  }

  protected onDelivery(): void {}
}

async function run(target: Target, { seconds }: Options): Promise<Metrics> {
  const ledger = new AckedLedger();
  const clients = await connectAll(target, SENDERS, ledger);
  ledger.senders = clients.map((client, index) => new AckedSender(target, client, index));

  for (const sender of ledger.senders) sender.send(IN_FLIGHT_PER_SENDER);
  await pause(WARM_UP_MS);

  const cpu = new CpuMeter(target.pid);
  const ackedBefore = ledger.acked;
  const startedAt = performance.now();
  await pause(seconds * 1000);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  const ackedPerSecond = (ledger.acked - ackedBefore) / elapsedSeconds;
  const utilisation = cpu.read();

  ledger.sending = false;
  await ledger.settle(ledger.senders);
  for (const sender of ledger.senders) sender.checkAllAcked();
  for (const client of clients) client.close();
  return { ackedPerSecond, acksChecked: ledger.acked, deliveriesChecked: ledger.delivered, ...utilisation };
}

export const ackedAppends: Scenario = {
  name: "ackedAppends",
  targets: SERVICE_AND_TWO_NODES,
  rows: [
    {
      metric: "ackedPerSecond",
      label: `Stored and acked messages, ${SENDERS} senders`,
      unit: "per second",
    },
  ],
  run,
};
