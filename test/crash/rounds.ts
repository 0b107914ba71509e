import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../support/random";
import { Load, ROOMS } from "./load";
import { RestartableService } from "./restartableService";
import { readLogs, violationsOf } from "./verdict";

const SHORTEST_ROUND = 50; // ms from the restart to the end of the round
const LONGEST_ROUND = 700; // ms

export interface CrashOptions {
  rounds: number;
  random: Random;
  dataDir: string;
  report: (line: string) => void;
}

/**
 * Ends the service again and again while acked senders send and resuming listeners come and go, mostly by
 * kill -9 and sometimes in good manners. Resolves with every broken promise, in words.
 */
export async function crashRounds(options: CrashOptions): Promise<string[]> {
  const service = await RestartableService.on({ DATA_DIR: options.dataDir });
  const load = new Load([service.url], options.random);
  try {
    await service.start();
    return await run(options, service, load);
  } finally {
    load.close();
    await service.end("SIGKILL");
  }
}

async function run(
  { rounds, random, report }: CrashOptions,
  service: RestartableService,
  load: Load,
): Promise<string[]> {
  await load.start();
  const wrong: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const duration = random.between(SHORTEST_ROUND, LONGEST_ROUND);
    await Promise.race([wait(duration), load.running]);
    const signal = random.next() < 0.8 ? "SIGKILL" : "SIGTERM";
    const code = await service.end(signal);
    if (signal === "SIGTERM" && code !== 0) wrong.push(`exit code ${String(code)} after SIGTERM`);
    const soFar = String(load);
    const startTime = await service.start();
    report(`round ${String(round)}: ${signal} after ${String(duration)} ms; so far ${soFar}; restarted in ${startTime.toFixed(0)} ms`); // prettier-ignore
  }
  wrong.push(...(await load.finish()));
  const logs = await readLogs(service.url, ROOMS);
  wrong.push(...violationsOf(logs, load.senders, load.recorders), ...service.complaints);
  report(`${String([...logs.values()].flat().length)} messages stored, ${String(load)}`);
  return wrong;
}
