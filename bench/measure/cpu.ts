/** How busy the server's process and the generator's own were over a stretch of time, so one sees who saturates. */
import { readFileSync } from "node:fs";

const CLOCK_TICKS_PER_SECOND = 100; // what Linux shows to user space on every architecture Node runs on

// A type, not an interface: it is spread into a scenario's metrics.
export type Utilisation = { serverCpu: number; generatorCpu: number };

export class CpuMeter {
  private readonly startedAt = performance.now();
  private readonly own = process.cpuUsage();
  private readonly server: number;

  constructor(private readonly serverPid: number) {
    this.server = cpuSeconds(serverPid);
  }

  /** As shares of one core since construction; NaN for the server where there is no /proc. */
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
    // The process name, in parentheses, may contain spaces: fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
