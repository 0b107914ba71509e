/** Measures how fast clients connect, up to the answer to CONNECT, `CONCURRENCY` at a time. */
import { CONCURRENCY, connectAll, silentInbox } from "../client/connectAll";
import { CpuMeter } from "../measure/cpu";
import type { Target } from "../process/target";
import type { Metrics, Scenario } from "./scenario";

const CONNECTIONS = 1000;

async function run(target: Target): Promise<Metrics> {
  const cpu = new CpuMeter(target.pid);
  const startedAt = performance.now();
  const clients = await connectAll(target, CONNECTIONS, silentInbox);
  const seconds = (performance.now() - startedAt) / 1000;
  const utilisation = cpu.read();
  for (const client of clients) client.close();
  return { connectionsPerSecond: CONNECTIONS / seconds, ...utilisation };
}

export const connectionsPerSecond: Scenario = {
  name: "connectionsPerSecond",
  rows: [
    {
      metric: "connectionsPerSecond",
      label: `New connections, ${CONCURRENCY} at a time`,
      unit: "per second",
    },
  ],
  run,
};
