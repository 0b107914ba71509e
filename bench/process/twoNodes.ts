/** Two nodes of the service and the Redis that joins them, sharing the cores with the load generator. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { end, freePort, ready, spawnService } from "./serviceChild";
import { spawnProgram } from "./spawnPinned";
import type { RunningServer } from "./target";

export async function startTwoNodes(): Promise<RunningServer> {
  const [port, otherPort, redisPort] = [await freePort(), await freePort(), await freePort()];
  const directory = mkdtempSync(join(tmpdir(), "bench-redis-"));
  // Appends to disk once a second, as most Redis that keep anything do.
  const persistence = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"];
  const where = ["--port", String(redisPort), "--bind", "127.0.0.1", "--dir", directory];
  const redis = spawnProgram("anywhere", "redis-server", [...where, ...persistence]);
  redis.stdout.resume();
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const nodes = [port, otherPort].map((of) => spawnService(of, { REDIS_URL: redisUrl }, "anywhere"));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => end(node, "SIGTERM")));
    await end(redis, "SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const [first, second] = nodes;
    if (first?.pid === undefined || second === undefined) throw new Error("a node could not be started");
    await Promise.all([ready(first, port), ready(second, otherPort)]);
    const target = { port, otherPort, pid: first.pid, dialect: "socketio" as const };
    return { target, redisUrl, killNode: () => void first.kill("SIGKILL"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
