import { readFileSync } from "node:fs";
import type { ClientEventLog } from "../../observability/logger";
import { newEpoch, type Epoch } from "../offset";
import type { BlockStore } from "./blockStore";
import { FORMAT } from "./records";

/**
 * Returns the epoch of a store that was just opened. LMDB keeps every commit when the process crashes. When the machine
 * crashes, commits that were not flushed are lost and their sequences are given out again: then a new epoch begins. One
 * also begins when newest blocks are damaged, because the number of their messages is not certain, or missing since an
 * orderly stop.
 */
export async function openEpoch(store: BlockStore, log: ClientEventLog | undefined): Promise<Epoch> {
  const { state } = store;
  const damagedRooms = [...store.rooms()].filter((room) => !store.bounds(room).isExact);
  const isComplete =
    damagedRooms.length === 0 && (state?.heads === undefined || state.heads === store.heads());
  const isSameBoot = state?.bootId !== undefined && state.bootId === bootId();
  const isContinued = isComplete && (state?.isClean === true || isSameBoot);
  const epoch = (isContinued ? state?.epoch : undefined) ?? newEpoch();
  await saveState(store, epoch, { isClean: false });
  if (isComplete) return epoch;
  log?.error("newest messages damaged or missing: offsets from before this start are void", { damagedRooms });
  // An empty block after the damaged one: the next start finds a newest block that is intact.
  await store.transaction(() => {
    for (const room of damagedRooms) store.putMessages(room, store.bounds(room).last + 1, []);
  });
  return epoch;
}

/** `isClean`: this is an orderly stop, and nothing is written after it. */
export function saveState(store: BlockStore, epoch: Epoch, { isClean }: { isClean: boolean }): Promise<void> {
  const heads = isClean ? store.heads() : undefined;
  return store.saveState({ format: FORMAT, epoch, isClean, bootId: bootId(), heads });
}

/** Returns an id that changes with every boot of the machine; undefined on systems without one. */
function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}
