import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../support/random";
import { ROOM_NAMES } from "../support/rooms";
import { Load } from "./load";
import { RestartableService } from "./restartableService";
import { readLogs, violationsOf } from "./verdict";

/** From the restart to the end of the round. */
const [SHORTEST_ROUND_MS, LONGEST_ROUND_MS] = [50, 700];

export interface CrashOptions {
  rounds: number;
  random: Random;
  dataDir: string;
  report: (line: string) => void;
}

/**
 * Ends the service again and again under load, four times in five by kill -9 and otherwise by SIGTERM. Resolves with
 * every broken promise, in words.
 */
export async function crashRounds(options: CrashOptions): Promise<string[]> {
  const service = await RestartableService.create({ DATA_DIR: options.dataDir });
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
    const durationMs = random.between(SHORTEST_ROUND_MS, LONGEST_ROUND_MS);
    await Promise.race([pause(durationMs), load.running]);
    const signal = random.next() < 0.8 ? "SIGKILL" : "SIGTERM";
    const code = await service.end(signal);
    if (signal === "SIGTERM" && code !== 0) wrong.push(`exit code ${String(code)} after SIGTERM`);
    const soFar = String(load);
    const startMs = await service.start();
    report(`round ${String(round)}: ${signal} after ${String(durationMs)} ms; so far ${soFar}; restarted in ${startMs.toFixed(0)} ms`); // prettier-ignore
  }
  wrong.push(...(await load.finish()));
  const logs = await readLogs(service.url, ROOM_NAMES);
  wrong.push(...violationsOf(logs, load.senders, load.recorders), ...service.errors);
  report(`${String([...logs.values()].flat().length)} messages stored, ${String(load)}`);
  return wrong;
}
