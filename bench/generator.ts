/** The process of the load generator: runs one scenario against one target and prints the metrics as JSON. */
import { scenarios } from "./scenarios";
import type { Target } from "./process/target";
import type { Options } from "./scenarios/scenario";

export interface Job {
  scenario: string;
  target: Target;
  options: Options;
}

async function main(job: Job): Promise<void> {
  const scenario = scenarios.find(({ name }) => name === job.scenario);
  if (scenario === undefined) throw new Error(`no scenario ${job.scenario}`);
  const metrics = await scenario.run(job.target, job.options);
  process.stdout.write(`${JSON.stringify(metrics)}\n`);
}

void main(JSON.parse(process.argv[2] ?? "{}") as Job);
