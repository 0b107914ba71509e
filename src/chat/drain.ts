import { setTimeout as wait } from "node:timers/promises";
import { canHearClose, terminate, type EngineConnection } from "./engine";

const BATCHES = 20;
const SMALLEST_BATCH = 100; // connections
const PAUSE = 100; // ms between batches: a reconnect is a handshake somewhere else
const GRACE = 2_000; // ms for queues to empty and clients to answer the close
const LOOK_AGAIN = 10; // ms

/**
 * Closes engine connections, not sockets: a Socket.IO `disconnect()` would tell clients never to come back,
 * while a closed transport makes them reconnect. In batches, so that they do not all come back at once.
 * `connections` is read anew each time; `prepare` gets each batch before it is closed, to finish what is in
 * flight. Resolves when no connection is left, some 4 s and the preparations after the call at the latest.
 */
export async function drain(
  connections: () => EngineConnection[],
  prepare: (batch: readonly EngineConnection[]) => Promise<void>,
): Promise<void> {
  const all = connections();
  const batchSize = Math.max(SMALLEST_BATCH, Math.ceil(all.length / BATCHES));
  for (let start = 0; start < all.length; start += batchSize) {
    if (start > 0) await wait(PAUSE);
    const batch = all.slice(start, start + batchSize);
    await prepare(batch);
    closeThoseWhoHear(batch);
  }
  const deadline = performance.now() + GRACE;
  while (connections().length > 0 && performance.now() < deadline) {
    closeThoseWhoHear(connections()); // by now, more clients on long polling have come back with a poll
    await wait(LOOK_AGAIN);
  }
  connections().forEach(terminate);
}

function closeThoseWhoHear(connections: EngineConnection[]): void {
  for (const conn of connections) if (canHearClose(conn)) conn.close();
}
