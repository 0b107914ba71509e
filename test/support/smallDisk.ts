import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterThisTest } from "./disposal";
import { temporaryDirectory } from "./temporaryDirectory";

export interface SmallDisk {
  directory: string;
  /** From now on nothing can be written. */
  fill: () => void;
  /** Undoes `fill`. */
  free: () => void;
}

/**
 * A directory on a disk that can be full. As root a real one, in memory; else a limit on the size to which
 * files of this process may grow, which is a full disk to whoever writes.
 */
export function smallDisk(): SmallDisk {
  const directory = temporaryDirectory();
  return mount(directory) ? mounted(directory) : limited(directory);
}

function mount(directory: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory], { stdio: "ignore" });
    afterThisTest(() => execFileSync("umount", ["--lazy", directory]));
    return true;
  } catch {
    return false;
  }
}

function mounted(directory: string): SmallDisk {
  const filler = join(directory, "filler");
  return { directory, fill: () => fillDisk(filler), free: () => rmSync(filler, { force: true }) };
}

function fillDisk(filler: string): void {
  const file = openSync(filler, "a");
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch {
    closeSync(file); // ENOSPC, as wished
  }
}

function limited(directory: string): SmallDisk {
  const limit = (bytes: string) =>
    execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
  afterThisTest(() => limit("unlimited"));
  return { directory, fill: () => limit("4096"), free: () => limit("unlimited") };
}
