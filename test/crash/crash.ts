/*
 * node -r ts-node/register/transpile-only test/crash/crash.ts [--nodes 1] [--rounds 20] [--seed n]
 *
 * Kills the service under load again and again, and checks what it promised (after `npm run build`). With
 * several nodes: harms them and their Redis in every way there is. The seed repeats the dice, not the timing of
 * the processes. `--fault "Redis killed"` (may be repeated) leaves the other faults out, `--loss` lets
 * Redis lose its data each time.
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
  const wrong = await (nodes > 1
    ? redisRounds({ nodes, rounds, random, report, losesData: values.loss, ...faults }).finally(disposeOfAll)
    : crashRounds({ rounds, random, dataDir, report }));
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
