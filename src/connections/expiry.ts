import type { Connection } from "./engine";

const MAX_TIMER_MS = 2 ** 31 - 1; // Node fires longer timers at once

/** Calls `onExpired` at `expiresAt` (monotonic ms; Infinity: never), unless the connection closes before. */
export function atExpiry(conn: Pick<Connection, "once">, expiresAt: number, onExpired: () => void): void {
  if (expiresAt === Infinity) return;
  let timer: NodeJS.Timeout;
  const check = () => {
    const leftMs = expiresAt - performance.now();
    if (leftMs <= 0) onExpired();
    else timer = setTimeout(check, Math.min(leftMs, MAX_TIMER_MS));
  };
  check();
  conn.once("close", () => clearTimeout(timer));
}
