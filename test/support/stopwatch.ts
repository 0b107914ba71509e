import { readFileSync } from "node:fs";

/**
 * Starts to measure; the function that it returns gives the milliseconds since then, less the time in which this
 * process and the `others` were ready to run and waited for a processor. So a busy machine does not fail a test of
 * a time limit, and a program that stalls still does. Where the system has no schedstat (it is Linux's), nothing
 * is subtracted. `others` are process ids. Default: the children of this process.
 */
export function startStopwatch(others?: readonly string[]): () => number {
  const start = performance.now();
  const waitedBefore = processorWaitMs(others);
  return () => {
    const waitedMs = Math.max(0, processorWaitMs(others) - waitedBefore);
    return Math.max(0, performance.now() - start - waitedMs); // several processes may wait at the same time
  };
}

function processorWaitMs(others?: readonly string[]): number {
  try {
    const pid = String(process.pid);
    return [pid, ...(others ?? childrenOf(pid))].reduce((sum, one) => sum + waitOf(one), 0);
  } catch {
    return 0;
  }
}

function childrenOf(pid: string): string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return children.filter((child) => child !== "");
}

/** schedstat holds three numbers: ns on a processor, ns in its queue, and how often it ran. */
function waitOf(pid: string): number {
  const [, waitNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
  return Number(waitNs) / 1e6;
}
