/** Says where the generator, not the server, was the limit: such a figure is less than the server can do. */
import type { TargetName } from "../process/target";
import type { Results } from "./results";

const SATURATED = 0.97; // of a core

export function saturationNotes({ scenarios }: Results): string[] {
  return Object.entries(scenarios).flatMap(([scenario, { medians }]) =>
    (Object.keys(medians) as TargetName[])
      .filter((target) => {
        const { generatorCpu = 0, serverCpu = 0 } = medians[target] ?? {};
        return generatorCpu > SATURATED && serverCpu < SATURATED;
      })
      .map(
        (target) =>
          `Note: in ${scenario} the load generator was saturated by ${target}, not the other way round.`,
      ),
  );
}
