/** Measures how many pages of history are served per second, over a few keep-alive connections. */
import { Agent } from "node:http";
import { getHistory, parsePage } from "../client/historyPage";
import { writeMessages } from "../client/writeMessages";
import { CpuMeter } from "../measure/cpu";
import type { Target } from "../process/target";
import { COOKING } from "../rooms";
import { SERVICE_ONLY, type Metrics, type Options, type Scenario } from "./scenario";

const MESSAGES_IN_ROOM = 1000;
const MESSAGES_PER_PAGE = 50;
const REQUESTS_AT_A_TIME = 8;
const WARM_UP_MS = 1000;

async function run(target: Target, { seconds }: Options): Promise<Metrics> {
  const receipts = await writeMessages(target, COOKING, { count: MESSAGES_IN_ROOM, inFlight: 1 });
  const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_AT_A_TIME });
  const page = (): Promise<Buffer> =>
    getHistory(agent, target.port, COOKING.name, `limit=${MESSAGES_PER_PAGE}`);

  const expected = await page();
  const offsets = parsePage(expected).messages.map(({ offset }) => offset);
  if (
    offsets.join() !==
    receipts
      .slice(-MESSAGES_PER_PAGE)
      .map(({ offset }) => offset)
      .join()
  ) {
    throw new Error(`not the newest messages of the room: ${expected.toString()}`);
  }

  let pages = 0;
  const load = async (untilMs: number): Promise<void> => {
    while (performance.now() < untilMs) {
      if (!expected.equals(await page())) throw new Error("a page differs, though no message was sent");
      pages++;
    }
  };
  const loadFor = async (ms: number): Promise<void> => {
    const until = performance.now() + ms;
    await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, () => load(until)));
  };
  await loadFor(WARM_UP_MS);

  pages = 0;
  const cpu = new CpuMeter(target.pid);
  const startedAt = performance.now();
  await loadFor(seconds * 1000);
  const pagesPerSecond = pages / ((performance.now() - startedAt) / 1000);
  const utilisation = cpu.read();
  agent.destroy();
  return { pagesPerSecond, bytesPerPage: expected.length, pagesChecked: pages, ...utilisation };
}

export const historyPages: Scenario = {
  name: "historyPages",
  targets: SERVICE_ONLY,
  rows: [
    {
      metric: "pagesPerSecond",
      label: `Pages of ${MESSAGES_PER_PAGE} messages, ${REQUESTS_AT_A_TIME} requests at a time`,
      unit: "per second",
    },
  ],
  run,
};
