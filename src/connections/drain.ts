import { setTimeout as wait } from "node:timers/promises";
import { canHearClose, terminate, type Connection } from "./engine";

const BATCHES = 20;
const SMALLEST_BATCH = 100; // connections
const PAUSE = 100; // ms between batches: a reconnect is a handshake somewhere else
const GRACE = 2_000; // ms for queues to empty and clients to answer the close
const LOOK_AGAIN = 10; // ms

type Prepare = (batch: readonly Connection[]) => Promise<void> | void;

/**
 * Closes engine connections, not sockets: a Socket.IO `disconnect()` would tell clients never to come back,
 * while a closed transport makes them reconnect. In batches, so that they do not all come back at once.
 * `prepare` gets each batch before it is closed, to finish what is in flight.
 */
async function closeInBatches(all: readonly Connection[], prepare: Prepare): Promise<void> {
  const batchSize = Math.max(SMALLEST_BATCH, Math.ceil(all.length / BATCHES));
  for (let start = 0; start < all.length; start += batchSize) {
    if (start > 0) await wait(PAUSE);
    const batch = all.slice(start, start + batchSize);
    await prepare(batch);
    closeThoseWhoHear(batch);
  }
}

/** Closes all, and at once those who have not answered the close when the last batch has been told. */
export async function closeAll(connections: readonly Connection[]): Promise<void> {
  await closeInBatches(connections, () => undefined);
  for (const conn of connections) if (conn.readyState !== "closed") terminate(conn);
}

/**
 * Closes all, until no connection is left: some 4 s and the preparations after the call at the latest.
 * `connections` is read anew each time.
 */
export async function drain(connections: () => Connection[], prepare: Prepare): Promise<void> {
  await closeInBatches(connections(), prepare);
  const deadline = performance.now() + GRACE;
  while (connections().length > 0 && performance.now() < deadline) {
    closeThoseWhoHear(connections()); // by now, more clients on long polling have come back with a poll
    await wait(LOOK_AGAIN);
  }
  connections().forEach(terminate);
}

function closeThoseWhoHear(connections: Connection[]): void {
  for (const conn of connections) if (canHearClose(conn)) conn.close();
}
