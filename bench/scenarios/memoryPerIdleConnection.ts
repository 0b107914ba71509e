/** Measures by how much the server's resident memory grows for each idle connection. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll, silentInbox } from "../client/connectAll";
import { leastResidentBytes } from "../measure/residentMemory";
import type { Target } from "../process/target";
import type { Metrics, Scenario } from "./scenario";

const CONNECTIONS = 2000;
// The first connections make the server load and compile code, which must not count.
const WARM_UP_CONNECTIONS = 50;
const SETTLE_MS = 500;
const READ_OVER_MS = 2000;

async function run(target: Target): Promise<Metrics> {
  const warmUp = await connectAll(target, WARM_UP_CONNECTIONS, silentInbox);
  await pause(SETTLE_MS);
  const before = await leastResidentBytes(target.pid, READ_OVER_MS);
  const clients = await connectAll(target, CONNECTIONS, silentInbox);
  await pause(SETTLE_MS);
  const after = await leastResidentBytes(target.pid, READ_OVER_MS);
  for (const client of [...warmUp, ...clients]) client.close();
  return { bytesPerConnection: (after - before) / CONNECTIONS, residentBefore: before, residentAfter: after };
}

export const memoryPerIdleConnection: Scenario = {
  name: "memoryPerIdleConnection",
  rows: [{ metric: "bytesPerConnection", label: "Memory per idle connection", unit: "bytes" }],
  run,
};
