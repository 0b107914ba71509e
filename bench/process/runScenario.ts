/** Runs one scenario with a new server and a new load generator; rejects when the scenario fails. */
import { text } from "node:stream/consumers";
import type { Job } from "../generator";
import type { Metrics, Options, Scenario } from "../scenarios/scenario";
import { startServer } from "./startServer";
import type { TargetName } from "./target";
import { exitOf, spawnPinned } from "./spawnPinned";

const GIVE_UP_AFTER_MS = 90_000;

export async function runScenario(
  scenario: Scenario,
  name: TargetName,
  options: Options,
  compiled: (source: string) => string,
): Promise<Metrics> {
  const server = await startServer(name, compiled);
  try {
    const job: Job = { scenario: scenario.name, target: server.target, options };
    const generator = spawnPinned("generator", [compiled("generator.ts"), JSON.stringify(job)]);
    const watchdog = setTimeout(() => generator.kill("SIGKILL"), GIVE_UP_AFTER_MS + options.seconds * 1000);
    const output = await text(generator.stdout);
    await exitOf(generator);
    clearTimeout(watchdog);
    if (generator.exitCode !== 0) throw new Error(`${scenario.name} failed against ${name}, see above`);
    return { ...(JSON.parse(output) as Metrics), ...(await scenario.afterRun?.(server)) };
  } finally {
    await server.stop();
  }
}
