import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterThisTest } from "./disposal";
import { temporaryDirectory } from "./temporaryDirectory";

export interface SmallDisk {
  directory: string;
  /**
   * From now on nothing can be written to the directory. `writerPid` is the process that writes there; default:
   * this one. Pass a child process where possible: without root the limit below holds for all files of the writer.
   */
  fill: (writerPid?: number) => void;
  /** Undoes `fill`. */
  free: () => void;
}

const TMPFS_SIZE = "4m";
const MAX_FILE_BYTES = 4_096; // less than an LMDB file has after its first commit

/**
 * A directory on a disk that a test can fill. As root it is a tmpfs of its own. Otherwise the writer's limit of
 * file size (RLIMIT_FSIZE) stands in: writes fail as on a full disk, though with EFBIG instead of ENOSPC.
 */
export function smallDisk(): SmallDisk {
  const directory = temporaryDirectory();
  return mountTmpfs(directory) ? tmpfsDisk(directory) : limitedDisk(directory);
}

function mountTmpfs(directory: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${TMPFS_SIZE}`, "tmpfs", directory], {
      stdio: "ignore",
    });
    afterThisTest(() => execFileSync("umount", ["--lazy", directory]));
    return true;
  } catch {
    return false;
  }
}

function tmpfsDisk(directory: string): SmallDisk {
  const filler = join(directory, "filler");
  return { directory, fill: () => writeUntilFull(filler), free: () => rmSync(filler, { force: true }) };
}

function writeUntilFull(filler: string): void {
  const file = openSync(filler, "a");
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch {
    closeSync(file); // ENOSPC
  }
}

function limitedDisk(directory: string): SmallDisk {
  let limitedPid: number | undefined;
  const free = () => {
    if (limitedPid !== undefined) setFileSizeLimit(limitedPid, "unlimited");
    limitedPid = undefined;
  };
  const fill = (writerPid = process.pid) => {
    limitedPid = writerPid;
    setFileSizeLimit(writerPid, String(MAX_FILE_BYTES));
    afterThisTest(free);
  };
  return { directory, fill, free };
}

/** Sets the soft limit, which the owner of the process may raise again. */
function setFileSizeLimit(pid: number, bytes: string): void {
  try {
    execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`], { stdio: "ignore" });
  } catch (error) {
    if (bytes !== "unlimited") throw error; // after the test the process may have ended
  }
}
