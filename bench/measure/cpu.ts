/** Measures how busy the server's and the generator's process are, to see which of them is the limit. */
import { readFileSync } from "node:fs";

/** Linux's USER_HZ, on every architecture that Node supports. */
const CLOCK_TICKS_PER_SECOND = 100;

// A type and not an interface, so that it can be spread into metrics (an index signature).
export type Utilisation = { serverCpu: number; generatorCpu: number };

export class CpuMeter {
  private readonly startedAt = performance.now();
  private readonly own = process.cpuUsage();
  private readonly server: number;

  constructor(private readonly serverPid: number) {
    this.server = cpuSeconds(serverPid);
  }

  /** Shares of one core since construction; the server's is NaN where there is no /proc. */
  read(): Utilisation {
    const wallSeconds = (performance.now() - this.startedAt) / 1000;
    const own = process.cpuUsage(this.own);
    return {
      serverCpu: (cpuSeconds(this.serverPid) - this.server) / wallSeconds,
      generatorCpu: (own.user + own.system) / 1e6 / wallSeconds,
    };
  }
}

function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The process name, in parentheses, may contain spaces, so fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
