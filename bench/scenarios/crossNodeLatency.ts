/** Light, even load: measures when the last client of one node has a message that was sent to the other node. */
import { Sender } from "../client/sender";
import { quantile } from "../measure/statistics";
import { evenLoad, latencies, TimingLedger } from "./latency";
import type { Target } from "../process/target";
import { TWO_NODES, type Metrics, type Options, type Scenario } from "./scenario";

const CLIENTS = 20; // half of them on each node; all senders are on the first

class CrossNodeLedger extends TimingLedger {
  constructor() {
    super(CLIENTS, CLIENTS / 2);
  }

  protected override onDelivery(client: number, sender: number, sequence: number): void {
    if (client % 2 === 1) super.onDelivery(client, sender, sequence);
  }
}

async function run(target: Target, { seconds }: Options): Promise<Metrics> {
  const ledger = new CrossNodeLedger();
  const { warmUpMessages, ...utilisation } = await evenLoad(
    target,
    seconds,
    ledger,
    (client, _clientIndex, index) => new Sender(target, client, index),
    CLIENTS,
  );
  const measured = latencies(ledger.sentAt, ledger.lastArrivedAt, warmUpMessages);
  return { p50: quantile(measured, 0.5), p99: quantile(measured, 0.99), ...utilisation };
}

export const crossNodeLatency: Scenario = {
  name: "crossNodeLatency",
  targets: TWO_NODES,
  rows: [
    { metric: "p50", label: "From one node to the last of 10 clients of the other, p50", unit: "ms" },
    { metric: "p99", label: "From one node to the last of 10 clients of the other, p99", unit: "ms" },
  ],
  run,
};
