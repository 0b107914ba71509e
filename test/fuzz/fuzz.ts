/*
 * node -r ts-node/register/transpile-only test/fuzz/fuzz.ts [--frames 100000] [--seed n]
 *
 * Sends mutated frames to the compiled service (after `npm run build`) and fails if it dies, keeps honest
 * clients waiting, complains on standard error or grows. The seed repeats the frames.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { disposeOfAll } from "../support/disposal";
import { Random } from "../support/random";
import { ServiceProcess } from "../support/serviceProcess";
import { attack } from "./attack";

const MAX_GROWTH = 300e6; // bytes of resident memory

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { frames: { type: "string", default: "100000" }, seed: { type: "string" } },
  });
  const random = new Random(values.seed === undefined ? undefined : Number(values.seed));
  process.stdout.write(`seed ${String(random.seed)}\n`);
  // The honest clients check in some 30 times a second: more than one connection may by default.
  const service = await ServiceProcess.start({ MESSAGES_PER_SECOND: "1000", MESSAGES_BURST: "1000" });
  const { child, url } = service;

  const before = residentBytes(child.pid);
  await attack(url, Number(values.frames), random);
  const growth = residentBytes(child.pid) - before;
  child.kill("SIGTERM");
  const { code } = await service.exited;
  process.stdout.write(
    `${values.frames} frames, memory grew by ${(growth / 1e6).toFixed(0)} MB, exit ${String(code)}\n`,
  );
  if (code !== 0 || service.stderr !== "" || growth > MAX_GROWTH)
    throw new Error(`the service suffered: ${service.stderr}`);
}

/** 0 where the system has no /proc. */
function residentBytes(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1_024;
  } catch {
    return 0;
  }
}

main()
  .catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  })
  .finally(disposeOfAll)
  .finally(() => process.exit());
