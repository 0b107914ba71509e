import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../messageLog";

const NEEDED_BYTES = 1024 * 1024; // a first start writes 10 pages, which have 4 to 64 KiB
const COMPLETE_BYTES = 32 * 1024; // the file of a first start that has ended is larger

/**
 * Throws a StoreError when the disk has no space for the LMDB environment at the path, unless that is complete. LMDB
 * maps its lock file into memory without reserving its blocks: on a full disk the process would die of a bus error.
 */
export function checkFreeSpace(path: string): void {
  const [data, lock] = ["data.mdb", "lock.mdb"].map((name) =>
    statSync(join(path, name), { throwIfNoEntry: false }),
  );
  const isComplete = data !== undefined && data.size > COMPLETE_BYTES;
  const isAllocated = lock !== undefined && lock.blocks > 0; // LMDB uses the first block only
  if (isComplete && isAllocated) return;
  const probe = join(path, "probe");
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(probe, Buffer.alloc(NEEDED_BYTES), { flush: true });
  } catch (error) {
    throw new StoreError(`1 MiB cannot be written to DATA_DIR: ${(error as Error).message}`);
  } finally {
    rmSync(probe, { force: true });
  }
}
