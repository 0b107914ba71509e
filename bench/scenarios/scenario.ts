/** What a scenario is: it drives one running target and returns numbers; the report knows it by its rows. */
import type { RunningServer, Target, TargetName } from "../process/target";

export interface Options {
  /** How long to measure, where a scenario measures for a time. */
  seconds: number;
}

export type Metrics = Record<string, number>;

export type Unit = "per second" | "ms" | "bytes";

export interface Row {
  metric: string;
  label: string;
  unit: Unit;
}

export interface Scenario {
  name: string;
  /** The metrics that go into the table, in order; results.json has all of them. */
  rows: Row[];
  /** Who is measured, where it is not all who are one process. */
  targets?: readonly TargetName[];
  /** In the load generator's process. */
  run(target: Target, options: Options): Promise<Metrics>;
  /** After `run`, in the process that started the server and can start it again; adds to the metrics. */
  afterRun?(server: RunningServer): Promise<Metrics>;
}

/** For what the peers cannot do: they keep no message and acknowledge none. */
export const SERVICE_ONLY: readonly TargetName[] = ["service"];
export const TWO_NODES: readonly TargetName[] = ["twoNodes"];
export const SERVICE_AND_TWO_NODES: readonly TargetName[] = ["service", "twoNodes"];
