import { readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";

const CLOCK_TICKS_PER_SECOND = 100; // Linux's USER_HZ, on every architecture that Node supports
const SAMPLE_INTERVAL_MS = 100;

/*
 * Figures of another process, from Linux's /proc. They are NaN where the system has none, and once the process
 * has ended.
 */

/** The resident memory of the process. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** The processor time of all threads so far, in seconds. */
export function cpuSeconds(pid: number): number {
  return read(() => {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "latin1");
    // The process name, in parentheses, may contain spaces, so fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  });
}

/** The open sockets of the process, of every kind. */
export function openSockets(pid: number): number {
  return read(() => {
    const directory = `/proc/${String(pid)}/fd`;
    return readdirSync(directory).filter((fd) => isSocket(`${directory}/${fd}`)).length;
  });
}

/** The largest resident memory from now on. */
export class PeakMemory {
  readonly beforeBytes: number;
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #peakBytes: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.beforeBytes = residentBytes(pid);
    this.#peakBytes = this.beforeBytes;
    read(() => writeFileSync(`/proc/${String(pid)}/clear_refs`, "5")); // VmHWM begins again
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS).unref();
  }

  /** Ends the measurement. Returns the peak, also of a process that has ended. */
  stop(): number {
    clearInterval(this.#timer);
    this.#sample();
    return this.#peakBytes;
  }

  #sample(): void {
    const peakBytes = statusBytes(this.#pid, "VmHWM");
    if (peakBytes > this.#peakBytes) this.#peakBytes = peakBytes;
  }
}

function statusBytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  return read(() => {
    const status = readFileSync(`/proc/${String(pid)}/status`, "latin1");
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1_024;
  });
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false; // closed meanwhile
  }
}

function read<T>(from: () => T): T | typeof NaN {
  try {
    return from();
  } catch {
    return NaN;
  }
}
