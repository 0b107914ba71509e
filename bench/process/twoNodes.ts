/** Starts two nodes of the service and their Redis. They share the cores with the load generator. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/freePort";
import { end, spawnService, waitUntilReady } from "./serviceChild";
import { spawnProgram } from "./spawnPinned";
import type { RunningServer } from "./target";

export async function startTwoNodes(): Promise<RunningServer> {
  const [port, otherPort, redisPort] = [await freePort(), await freePort(), await freePort()];
  const directory = mkdtempSync(join(tmpdir(), "bench-redis-"));
  // Redis flushes to disk once a second, its default with an append-only file.
  const persistence = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"];
  const options = ["--port", String(redisPort), "--bind", "127.0.0.1", "--dir", directory];
  const redis = spawnProgram("anywhere", "redis-server", [...options, ...persistence]);
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
    await Promise.all([waitUntilReady(first, port), waitUntilReady(second, otherPort)]);
    const target = { port, otherPort, pid: first.pid, dialect: "socketio" as const };
    return { target, redisUrl, killNode: () => void first.kill("SIGKILL"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
