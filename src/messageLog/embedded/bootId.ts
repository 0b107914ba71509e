import { readFileSync } from "node:fs";

/** Differs after every start of the machine; undefined where the system has none. */
export function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}
