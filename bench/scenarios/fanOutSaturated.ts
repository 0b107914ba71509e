/** Measures deliveries per second: each sender sends the next message when it receives one of its own. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "../client/connectAll";
import { DeliveryLedger } from "../client/deliveryLedger";
import { Sender } from "../client/sender";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import type { Target } from "../process/target";
import type { Metrics, Options, Scenario } from "./scenario";

const SENDERS = 10;
const IN_FLIGHT_PER_SENDER = 4;
const WARM_UP_MS = 1000;

class SaturatingLedger extends DeliveryLedger {
  sending = true;
  readonly senderOfClient = new Map<number, Sender>();
  /** Own messages in the current read; at its end as many new ones are sent. */
  private ownInRead = 0;

  constructor(
    clients: number,
    private readonly clientsPerSender: number,
  ) {
    super(clients, SENDERS);
  }

  protected onDelivery(client: number, sender: number): void {
    if (client === sender * this.clientsPerSender) this.ownInRead++;
  }

  override readEnd(client: number): void {
    if (this.ownInRead > 0 && this.sending) this.senderOfClient.get(client)?.send(this.ownInRead);
    this.ownInRead = 0;
  }
}

async function run(clientCount: number, target: Target, { seconds }: Options): Promise<Metrics> {
  // Senders are spread over the clients, so that no order of delivery favours them.
  const clientsPerSender = Math.floor(clientCount / SENDERS);
  const ledger = new SaturatingLedger(clientCount, clientsPerSender);
  const clients = await connectAll(target, clientCount, ledger);
  const senders = Array.from({ length: SENDERS }, (_, index) => {
    const sender = new Sender(target, pick(clients, index * clientsPerSender), index);
    ledger.senderOfClient.set(index * clientsPerSender, sender);
    return sender;
  });

  for (const sender of senders) sender.send(IN_FLIGHT_PER_SENDER);
  await pause(WARM_UP_MS);

  const cpu = new CpuMeter(target.pid);
  const deliveredBefore = ledger.delivered;
  const startedAt = performance.now();
  await pause(seconds * 1000);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  const deliveriesPerSecond = (ledger.delivered - deliveredBefore) / elapsedSeconds;
  const utilisation = cpu.read();

  ledger.sending = false;
  await ledger.settle(senders);
  for (const client of clients) client.close();
  return { deliveriesPerSecond, deliveriesChecked: ledger.delivered, ...utilisation };
}

export function fanOutSaturated(clientCount: number): Scenario {
  return {
    name: `fanOut${clientCount}`,
    rows: [
      {
        metric: "deliveriesPerSecond",
        label: `Fan-out to ${clientCount} clients, deliveries`,
        unit: "per second",
      },
    ],
    run: (target, options) => run(clientCount, target, options),
  };
}
