import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

const [FIRST, LAST] = [20_000, 30_000]; // below what systems give to outgoing connections and to port 0

/** A port that nobody listens on, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST, LAST);
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return freePort(); // it is taken
  }
  server.close();
  await once(server, "close");
  return port;
}
