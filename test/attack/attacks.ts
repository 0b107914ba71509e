import { binary } from "./binary";
import { comeAndGo } from "./comeAndGo";
import { history } from "./history";
import { logs } from "./logs";
import { presenceAcks } from "./presenceAcks";
import { redisGarbage } from "./redisGarbage";
import { resume } from "./resume";
import type { Attack } from "./scene";
import { stopping } from "./stopping";
import { storm } from "./storm";

/** Every attack that `npm run attack` and attack.test.ts run. */
export const ATTACKS: readonly Attack[] = [
  resume,
  comeAndGo,
  storm,
  history,
  presenceAcks,
  stopping,
  redisGarbage,
  binary,
  logs,
];
