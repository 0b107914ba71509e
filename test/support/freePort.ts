import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections and to servers on port 0. */
const [FIRST_PORT, LAST_PORT] = [20_000, 30_000];
/** This process gives no port twice: a program that is down for a moment gets its port back. */
const givenPorts = new Set<number>();

/**
 * Returns a port of 127.0.0.1 on which no program listens, for programs that cannot listen on port 0. Another
 * process can take it only if it draws the same number before the program listens.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST_PORT, LAST_PORT);
  if (givenPorts.has(port) || !(await isFree(port))) return freePort();
  givenPorts.add(port);
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
