/*
 * node -r ts-node/register/transpile-only test/crash/crash.ts [--rounds 20] [--seed n]
 *
 * Kills the service under load again and again, and checks what it promised (after `npm run build`). The seed
 * repeats the dice, not the timing of the processes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../support/random";
import { crashRounds } from "./rounds";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "20" }, seed: { type: "string" } },
  });
  const random = new Random(values.seed === undefined ? undefined : Number(values.seed));
  const report = (line: string) => void process.stdout.write(`${line}\n`);
  report(`seed ${String(random.seed)}`);
  const dataDir = mkdtempSync(join(tmpdir(), "crash-"));
  const wrong = await crashRounds({ rounds: Number(values.rounds), random, dataDir, report });
  for (const line of wrong) report(`VIOLATION ${line}`);
  if (wrong.length > 0) {
    report(`the log is kept in ${dataDir}`);
    return 1;
  }
  rmSync(dataDir, { recursive: true });
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
