/*
 * node -r ts-node/register/transpile-only test/fuzz/fuzz.ts [--frames 100000] [--seed n]
 *
 * Sends mutated frames to the compiled service (after `npm run build`) and fails if it ends,
 * delays other clients, writes to standard error or grows in memory. The same seed sends the same frames.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { disposeOfAll } from "../support/disposal";
import { Random } from "../support/random";
import { ServiceProcess } from "../support/serviceProcess";
import { attack } from "./attack";

const MAX_GROWTH_BYTES = 300e6; // of resident memory

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { frames: { type: "string", default: "100000" }, seed: { type: "string" } },
  });
  const random = new Random(values.seed === undefined ? undefined : Number(values.seed));
  process.stdout.write(`seed ${String(random.seed)}\n`);
  // The honest clients send about 30 messages a second, more than the default limit of one connection.
  const service = await ServiceProcess.start({ MESSAGES_PER_SECOND: "1000", MESSAGES_BURST: "1000" });
  const { child, url } = service;

  const before = residentBytes(child.pid);
  await attack(url, Number(values.frames), random);
  const growthBytes = residentBytes(child.pid) - before;
  child.kill("SIGTERM");
  const { code } = await service.exited;
  process.stdout.write(
    `${values.frames} frames, memory grew by ${(growthBytes / 1e6).toFixed(0)} MB, exit ${String(code)}\n`,
  );
  if (code !== 0 || service.stderr !== "" || growthBytes > MAX_GROWTH_BYTES)
    throw new Error(`exit code, standard error or memory is wrong: ${service.stderr}`);
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
