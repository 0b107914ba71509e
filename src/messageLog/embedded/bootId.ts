import { readFileSync } from "node:fs";

/** Returns an id that changes with every boot of the machine; undefined on systems without one. */
export function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}
