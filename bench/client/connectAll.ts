/** Opens many clients, `CONCURRENCY` at a time; every other one to the target's second node, if it has one. */
import type { Target } from "../process/target";
import { dialects, type Dialect } from "./dialect";
import { LoadClient, type Inbox } from "./loadClient";

export const CONCURRENCY = 50;

/** Resolves once all clients are connected. */
export async function connectAll(
  target: Target,
  count: number,
  inbox: Inbox,
  dialect: Dialect = dialects[target.dialect],
): Promise<LoadClient[]> {
  const clients: LoadClient[] = new Array<LoadClient>(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const port = index % 2 === 1 ? (target.otherPort ?? target.port) : target.port;
      clients[index] = await LoadClient.open(port, dialect, index, inbox);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return clients;
}

/** The inbox of scenarios without events: an event ends the run. */
export const silentInbox: Inbox = {
  frame(client, buffer, start, end) {
    throw new Error(
      `client ${client}: unexpected event ${buffer.toString("utf8", start, Math.min(end, start + 200))}`,
    );
  },
  readEnd() {},
};
