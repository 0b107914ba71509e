/** The load of `latency` with acks: measures how long a sender waits for the ack of a stored message. */
import { AckedSender, isAck } from "../client/ackedSender";
import { quantile } from "../measure/statistics";
import { CLIENTS, evenLoad, latencies, numberOf, TimingLedger } from "./latency";
import type { Target } from "../process/target";
import { SERVICE_ONLY, type Metrics, type Options, type Scenario } from "./scenario";

class AckTimingLedger extends TimingLedger {
  readonly senderOfClient = new Map<number, { index: number; sender: AckedSender }>();
  readonly ackedAt: number[] = [];

  override frame(client: number, buffer: Buffer, start: number, end: number): void {
    if (!isAck(buffer, start)) {
      super.frame(client, buffer, start, end);
      return;
    }
    const arrivedAt = performance.now();
    const own = this.senderOfClient.get(client);
    if (own === undefined) throw new Error(`client ${client} got an ack, but sent nothing`);
    const { sequence } = own.sender.onAck(buffer, start, end);
    this.ackedAt[numberOf(own.index, sequence)] = arrivedAt;
  }
}

async function run(target: Target, { seconds }: Options): Promise<Metrics> {
  const ledger = new AckTimingLedger();
  const { warmUpMessages, ...utilisation } = await evenLoad(
    target,
    seconds,
    ledger,
    (client, clientIndex, index) => {
      const sender = new AckedSender(target, client, index);
      ledger.senderOfClient.set(clientIndex, { index, sender });
      return sender;
    },
  );
  for (const { sender } of ledger.senderOfClient.values()) sender.checkAllAcked();
  const acks = latencies(ledger.sentAt, ledger.ackedAt, warmUpMessages);
  const deliveries = latencies(ledger.sentAt, ledger.lastArrivedAt, warmUpMessages);
  return {
    p50: quantile(acks, 0.5),
    p99: quantile(acks, 0.99),
    lastDeliveryP50: quantile(deliveries, 0.5),
    ...utilisation,
  };
}

export const ackLatency: Scenario = {
  name: "ackLatency",
  targets: SERVICE_ONLY,
  rows: [
    { metric: "p50", label: `Ack of a stored message, ${CLIENTS} clients, p50`, unit: "ms" },
    { metric: "p99", label: `Ack of a stored message, ${CLIENTS} clients, p99`, unit: "ms" },
  ],
  run,
};
