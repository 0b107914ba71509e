import { readFileSync } from "node:fs";

/**
 * Starts to measure; the function that it returns gives the milliseconds since then, less the time in which this
 * process and its children were ready to run and waited for a processor. So a busy machine does not fail a test of
 * a time limit, and a program that stalls still does. Where the system has no schedstat (it is Linux's), nothing
 * is subtracted.
 */
export function startStopwatch(): () => number {
  const start = performance.now();
  const waitedBefore = processorWaitMs();
  return () => performance.now() - start - Math.max(0, processorWaitMs() - waitedBefore);
}

function processorWaitMs(): number {
  try {
    const pid = String(process.pid);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    const pids = [pid, ...children.filter((child) => child !== "")];
    return pids.reduce((sum, one) => sum + waitOf(one), 0);
  } catch {
    return 0;
  }
}

/** schedstat holds three numbers: ns on a processor, ns in its queue, and how often it ran. */
function waitOf(pid: string): number {
  const [, waitNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
  return Number(waitNs) / 1e6;
}
