/** Notes where the generator and not the server was the limit: there the server can do more than the figure says. */
import type { TargetName } from "../process/target";
import type { Results } from "./results";

const SATURATED_CORE_SHARE = 0.97;

export function saturationNotes({ scenarios }: Results): string[] {
  return Object.entries(scenarios).flatMap(([scenario, { medians }]) =>
    (Object.keys(medians) as TargetName[])
      .filter((target) => {
        const { generatorCpu = 0, serverCpu = 0 } = medians[target] ?? {};
        return generatorCpu > SATURATED_CORE_SHARE && serverCpu < SATURATED_CORE_SHARE;
      })
      .map(
        (target) =>
          `Note: in ${scenario} the load generator was saturated by ${target}, not the other way round.`,
      ),
  );
}
