import { setTimeout as wait } from "node:timers/promises";
import { canSendClose, terminate, type Connection } from "./engine";

const MAX_BATCHES = 20;
const MIN_BATCH_SIZE = 100; // connections
const PAUSE_MS = 100; // between batches
const GRACE_MS = 2_000; // for queues to empty and for clients to answer the close
const POLL_INTERVAL_MS = 10;

type Prepare = (batch: readonly Connection[]) => Promise<void> | void;

/**
 * Closes Engine.IO connections, not sockets: after a Socket.IO `disconnect()` clients do not reconnect, after a closed
 * transport they do. It works in batches, so that the clients do not all reconnect to other nodes at once. `prepare`
 * finishes what is in flight on a batch before the batch is closed.
 */
async function closeInBatches(all: readonly Connection[], prepare: Prepare): Promise<void> {
  const batchSize = Math.max(MIN_BATCH_SIZE, Math.ceil(all.length / MAX_BATCHES));
  for (let start = 0; start < all.length; start += batchSize) {
    if (start > 0) await wait(PAUSE_MS);
    const batch = all.slice(start, start + batchSize);
    await prepare(batch);
    closeReachable(batch);
  }
}

/** Closes all connections in batches, then terminates those that have not answered the close. */
export async function closeAll(connections: readonly Connection[]): Promise<void> {
  await closeInBatches(connections, () => undefined);
  for (const conn of connections) if (conn.readyState !== "closed") terminate(conn);
}

/**
 * Closes connections until none is left; takes at most about 4 s and the time of the preparations. `connections` returns
 * those that are open now.
 */
export async function drain(connections: () => Connection[], prepare: Prepare): Promise<void> {
  await closeInBatches(connections(), prepare);
  const deadline = performance.now() + GRACE_MS;
  while (connections().length > 0 && performance.now() < deadline) {
    closeReachable(connections()); // more clients on long polling have sent a poll by now
    await wait(POLL_INTERVAL_MS);
  }
  connections().forEach(terminate);
}

function closeReachable(connections: Connection[]): void {
  for (const conn of connections) if (canSendClose(conn)) conn.close();
}
