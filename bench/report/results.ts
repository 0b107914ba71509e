/** Computes medians and ratios from the rounds: the content of results.json. */
import { cpus } from "node:os";
import { median } from "../measure/statistics";
import { BASELINE, type TargetName } from "../process/target";
import { canPin } from "../process/spawnPinned";
import type { Metrics, Options } from "../scenarios/scenario";

export type ByTarget = Partial<Record<TargetName, Metrics>>;

export interface ScenarioResult {
  rounds: ByTarget[];
  medians: ByTarget;
  /** The ratio to Socket.IO by the book in the same round; the median over the rounds. */
  ratios: ByTarget;
}

export interface Results {
  measuredAt: string;
  machine: { cpu: string; cores: number; platform: string; node: string; pinned: boolean };
  options: Options & { rounds: number };
  scenarios: Record<string, ScenarioResult>;
}

export function newResults(options: Results["options"]): Results {
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    pinned: canPin,
  };
  return { measuredAt: new Date().toISOString(), machine, options, scenarios: {} };
}

export function summarise(rounds: ByTarget[]): ScenarioResult {
  const medians: ByTarget = {};
  const ratios: ByTarget = {};
  const names = Object.keys(rounds[0] ?? {}) as TargetName[];
  for (const name of names) {
    medians[name] = overRounds(rounds, name, (value) => value);
    if (names.includes(BASELINE) && name !== BASELINE) {
      ratios[name] = overRounds(rounds, name, (value, baseline) => value / baseline);
    }
  }
  return { rounds, medians, ratios };
}

function overRounds(
  rounds: ByTarget[],
  name: TargetName,
  of: (value: number, baseline: number) => number,
): Metrics {
  const metrics: Metrics = {};
  for (const metric of Object.keys(rounds[0]?.[name] ?? {})) {
    const values = rounds.map((round) =>
      of(round[name]?.[metric] ?? Number.NaN, round[BASELINE]?.[metric] ?? Number.NaN),
    );
    metrics[metric] = median(values);
  }
  return metrics;
}
