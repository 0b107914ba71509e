/*
 * npm run crash -- [--nodes 1] [--rounds 20] [--seed n] [--fault name …] [--loss]
 *
 * Kills the compiled service under load again and again, and checks its promises. With several nodes: causes the
 * faults of faults.ts in the nodes, their Redis and the connections between. The same seed makes the same random
 * choices; the timing of the processes differs. `--fault "Redis killed"` (may be repeated) selects faults; with
 * `--loss` the only fault is that Redis loses its data.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { disposeOfAll } from "../support/disposal";
import { Random } from "../support/random";
import { redisRounds } from "./redisRounds";
import { crashRounds } from "./rounds";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: "1" },
      rounds: { type: "string", default: "20" },
      seed: { type: "string" },
      fault: { type: "string", multiple: true },
      loss: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const nodes = Number(values.nodes);
  const random = new Random(values.seed === undefined ? undefined : Number(values.seed));
  const report = (line: string) => void process.stdout.write(`${line}\n`);
  report(`seed ${String(random.seed)}`);
  const dataDir = mkdtempSync(join(tmpdir(), "crash-"));
  const faults = values.fault === undefined ? {} : { faults: values.fault };
  const wrong = await (
    nodes > 1
      ? redisRounds({ nodes, rounds, random, report, losesData: values.loss, ...faults })
      : crashRounds({ rounds, random, dataDir, report })
  ).finally(disposeOfAll);
  for (const line of wrong) report(`VIOLATION ${line}`);
  if (wrong.length > 0 && nodes === 1) report(`the log is kept in ${dataDir}`);
  else rmSync(dataDir, { recursive: true });
  if (wrong.length > 0) return 1;
  report("no promise was broken");
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
    process.exit(1);
  },
);
