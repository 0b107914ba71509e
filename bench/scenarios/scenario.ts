/** What a scenario is: it drives one running target and returns numbers; the report knows it by its rows. */
import type { DialectName } from "../client/dialect";

export interface Target {
  port: number;
  pid: number;
  dialect: DialectName;
}

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
  run(target: Target, options: Options): Promise<Metrics>;
}
