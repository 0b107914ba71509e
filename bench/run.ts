/**
 * The benchmark: measures this service and two peers, interleaved in one run, and writes bench/results.json.
 * Flags: `--rounds n` `--seconds n` `--only scenario,…` `--targets target,…`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileBench } from "./process/compile";
import { runScenario } from "./process/runScenario";
import { assertServiceBuilt } from "./process/serviceChild";
import { SINGLE, targetNames, type TargetName } from "./process/target";
import { newResults, summarise, type ByTarget } from "./report/results";
import { saturationNotes } from "./report/saturation";
import { markdownTable } from "./report/table";
import { scenarios } from "./scenarios";
import type { Scenario } from "./scenarios/scenario";

/** Throws an error that names the flag. */
function positiveNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${flag} must be a positive number, not ${text}`);
  return value;
}

/** The names in a comma-separated flag, or all names without it. Throws for an unknown name. */
function selectNames<Name extends string>(
  flag: string,
  all: readonly Name[],
  text: string | undefined,
): Name[] {
  const wanted = text?.split(",");
  const unknown = wanted?.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--${flag}: no ${unknown}, there is ${all.join(", ")}`);
  return all.filter((name) => wanted === undefined || wanted.includes(name));
}

function readFlags() {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "4" },
      only: { type: "string" },
      targets: { type: "string" },
    },
  });
  const scenarioNames = scenarios.map(({ name }) => name);
  const only = selectNames("only", scenarioNames, values.only);
  const targets = selectNames("targets", targetNames, values.targets);
  return {
    rounds: Math.ceil(positiveNumber("rounds", values.rounds)),
    seconds: positiveNumber("seconds", values.seconds),
    scenarios: scenarios.filter(
      (scenario) => only.includes(scenario.name) && targetsOf(scenario, targets).length > 0,
    ),
    targets,
  };
}

/** The targets that the scenario measures. */
function targetsOf(scenario: Scenario, targets: TargetName[]): TargetName[] {
  return targets.filter((name) => (scenario.targets ?? SINGLE).includes(name));
}

/** Rotates the order of targets, so that no target always runs first, on a cool machine. */
function rotated<Item>(items: Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

async function main(): Promise<void> {
  const flags = readFlags();
  if (flags.targets.includes("service")) assertServiceBuilt();
  const compiled = compileBench();
  const options = { rounds: flags.rounds, seconds: flags.seconds };
  const results = newResults(options);
  const rounds = new Map<string, ByTarget[]>();

  for (let round = 0; round < flags.rounds; round++) {
    for (const scenario of flags.scenarios) {
      const byTarget: ByTarget = {};
      for (const name of rotated(targetsOf(scenario, flags.targets), round)) {
        byTarget[name] = await runScenario(scenario, name, options, compiled);
        console.error(`round ${round + 1} ${scenario.name} ${name} ${JSON.stringify(byTarget[name])}`);
      }
      rounds.set(scenario.name, [...(rounds.get(scenario.name) ?? []), byTarget]);
    }
  }

  for (const [name, ofScenario] of rounds) results.scenarios[name] = summarise(ofScenario);
  writeFileSync(join(__dirname, "results.json"), `${JSON.stringify(results, null, 2)}\n`);
  console.log(markdownTable(results));
  for (const note of saturationNotes(results)) console.log(note);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
