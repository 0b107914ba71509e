/** Writes the results as a Markdown table, aligned as prettier aligns it. */
import { BASELINE, targetNames, type TargetName } from "../process/target";
import { scenarios } from "../scenarios";
import type { Row, Unit } from "../scenarios/scenario";
import { alignedTable } from "./alignedTable";
import type { Results, ScenarioResult } from "./results";

const TITLES: Record<TargetName, string> = {
  socketioByTheBook: "Socket.IO by the book",
  bareWs: "bare `ws`",
  service: "this service",
  twoNodes: "two nodes, Redis",
};

const FORMATS: Record<Unit, (value: number) => string> = {
  "per second": (value) => `${grouped(value)}/s`,
  ms: (value) => `${grouped(value)} ms`,
  bytes: (value) =>
    value >= 1e6
      ? `${grouped(value / 1e6)} MB`
      : value >= 1e3
        ? `${grouped(value / 1e3)} kB`
        : `${grouped(value)} B`,
};

export function markdownTable(results: Results): string {
  const measured = scenarios.filter(({ name }) => results.scenarios[name] !== undefined);
  const names = targetNames.filter((name) =>
    measured.some((scenario) => results.scenarios[scenario.name]?.medians[name] !== undefined),
  );
  const lines = measured.flatMap((scenario) =>
    scenario.rows.map((row) => [
      row.label,
      ...names.map((name) => cell(results.scenarios[scenario.name], name, row)),
    ]),
  );
  return alignedTable([["Median of rounds", ...names.map((name) => TITLES[name])], ...lines], {
    numbers: true,
  });
}

function cell(result: ScenarioResult | undefined, name: TargetName, { metric, unit }: Row): string {
  const median = result?.medians[name]?.[metric];
  if (median === undefined) return "–";
  const value = FORMATS[unit](median);
  const ratio = result?.ratios[name]?.[metric];
  return name === BASELINE || ratio === undefined ? value : `${value} (${grouped(ratio)}×)`;
}

/** At least three significant digits, with separators between thousands. */
function grouped(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return Number(value.toPrecision(3)).toString();
}
