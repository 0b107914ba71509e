/** Measures the resident memory of another process. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Resolves with the smallest of several readings, because garbage is collected at unknown times. */
export async function leastResidentBytes(pid: number, overMs: number): Promise<number> {
  const readings = 10;
  let least = Infinity;
  for (let reading = 0; reading < readings; reading++) {
    await pause(overMs / readings);
    least = Math.min(least, residentBytes(pid));
  }
  return least;
}

function residentBytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) {
    return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1024;
  }
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, "latin1"))?.[1];
  if (kilobytes === undefined) throw new Error(`no VmRSS in ${status}`);
  return Number(kilobytes) * 1024;
}
