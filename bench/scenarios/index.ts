/** All scenarios, in the order of the report. */
import { connectionsPerSecond } from "./connectionsPerSecond";
import { fanOutSaturated } from "./fanOutSaturated";
import { latency } from "./latency";
import { memoryPerIdleConnection } from "./memoryPerIdleConnection";
import { presenceStorm } from "./presenceStorm";
import type { Scenario } from "./scenario";

export const scenarios: Scenario[] = [
  fanOutSaturated(50),
  fanOutSaturated(500),
  latency,
  presenceStorm,
  memoryPerIdleConnection,
  connectionsPerSecond,
];
