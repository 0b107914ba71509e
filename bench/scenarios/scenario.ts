/** A scenario drives one running target and returns numbers; its rows say how the report shows them. */
import type { RunningServer, Target, TargetName } from "../process/target";

export interface Options {
  /** The duration of the measurement, for scenarios that measure for a time. */
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
  /** The targets that are measured. Default: all that are one process (`SINGLE`). */
  targets?: readonly TargetName[];
  /** Runs in the load generator's process. */
  run(target: Target, options: Options): Promise<Metrics>;
  /** Runs after `run`, in the process that started the server and can restart it; its metrics are added. */
  afterRun?(server: RunningServer): Promise<Metrics>;
}

/** For features that the peers lack: they store and acknowledge no messages. */
export const SERVICE_ONLY: readonly TargetName[] = ["service"];
export const TWO_NODES: readonly TargetName[] = ["twoNodes"];
export const SERVICE_AND_TWO_NODES: readonly TargetName[] = ["service", "twoNodes"];
