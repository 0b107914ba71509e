import type { Connection } from "./engine";

const LONGEST_TIMER = 2 ** 31 - 1; // ms; Node fires what is set later at once

/** Calls back at `expiresAt` (ms since the epoch), unless the connection closes before. */
export function atExpiry(conn: Connection, expiresAt: number, onExpired: () => void): void {
  if (expiresAt === Infinity) return;
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = expiresAt - Date.now();
    if (left <= 0) onExpired();
    else timer = setTimeout(wait, Math.min(left, LONGEST_TIMER));
  };
  wait();
  conn.once("close", () => clearTimeout(timer));
}
