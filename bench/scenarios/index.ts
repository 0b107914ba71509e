/** All scenarios, in the order of the report. */
import { ackedAppends } from "./ackedAppends";
import { ackLatency } from "./ackLatency";
import { connectionsPerSecond } from "./connectionsPerSecond";
import { crossNodeLatency } from "./crossNodeLatency";
import { fanOutSaturated } from "./fanOutSaturated";
import { historyPages } from "./historyPages";
import { latency } from "./latency";
import { memoryPerIdleConnection } from "./memoryPerIdleConnection";
import { presenceForms } from "./presenceForms";
import { presenceStorm } from "./presenceStorm";
import { redisMemory } from "./redisMemory";
import { redisReaders } from "./redisReaders";
import { replay } from "./replay";
import type { Scenario } from "./scenario";
import { startWithFullLog } from "./startWithFullLog";
import { takeOver } from "./takeOver";

export const scenarios: Scenario[] = [
  fanOutSaturated(50),
  fanOutSaturated(500),
  latency,
  presenceStorm,
  presenceForms,
  memoryPerIdleConnection,
  connectionsPerSecond,
  ackLatency,
  ackedAppends,
  replay,
  historyPages,
  startWithFullLog,
  crossNodeLatency,
  redisMemory,
  redisReaders,
  takeOver,
];
