/*
 * node -r ts-node/register/transpile-only test/fuzz/fuzz.ts [--frames 100000] [--seed n]
 *
 * Sends mutated frames to the compiled service (after `npm run build`) and fails if it dies, keeps honest
 * clients waiting, complains on standard error or grows. The seed repeats the frames.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../support/random";
import { attack } from "./attack";

const MAX_GROWTH = 300e6; // bytes of resident memory

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { frames: { type: "string", default: "100000" }, seed: { type: "string" } },
  });
  const random = new Random(values.seed === undefined ? undefined : Number(values.seed));
  process.stdout.write(`seed ${String(random.seed)}\n`);
  const DATA_DIR = mkdtempSync(join(tmpdir(), "fuzz-"));
  // The honest clients check in some 30 times a second: more than one connection may by default.
  const limits = { MESSAGES_PER_SECOND: "1000", MESSAGES_BURST: "1000" };
  const env = { PATH: process.env.PATH ?? "", PORT: "0", LOG_LEVEL: "info", DATA_DIR, ...limits };
  const child = spawn(process.execPath, ["dist/index.js"], { env, stdio: "pipe" });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  child.stdout.resume();
  const { port } = JSON.parse(line.toString()) as { port: number };

  const before = residentBytes(child.pid);
  await attack(`http://localhost:${String(port)}`, Number(values.frames), random);
  const growth = residentBytes(child.pid) - before;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = (await exited) as [number | null];
  rmSync(DATA_DIR, { recursive: true });
  process.stdout.write(
    `${values.frames} frames, memory grew by ${(growth / 1e6).toFixed(0)} MB, exit ${String(code)}\n`,
  );
  if (code !== 0 || stderr !== "" || growth > MAX_GROWTH) throw new Error(`the service suffered: ${stderr}`);
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

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
