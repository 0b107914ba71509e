/** Starts the servers under test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "../../test/support/freePort";
import { end, spawnService, waitUntilReady } from "./serviceChild";
import { spawnPinned, type Child } from "./spawnPinned";
import type { RunningServer, Target, TargetName } from "./target";
import { startTwoNodes } from "./twoNodes";

export function startServer(name: TargetName, compiled: (source: string) => string): Promise<RunningServer> {
  if (name === "service") return startService();
  if (name === "twoNodes") return startTwoNodes();
  return startPeer(compiled(`peers/${name}.ts`), name === "bareWs" ? "bare" : "socketio");
}

async function startPeer(file: string, dialect: Target["dialect"]): Promise<RunningServer> {
  const child = spawnPinned("server", [file], { PORT: "0" });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => resolve(Number(line.replace("listening ", ""))));
    child.once("exit", () => reject(new Error(`${file} ended before it was ready`)));
  });
  return running(child, port, dialect);
}

async function startService(): Promise<RunningServer> {
  const port = await freePort();
  const dataDirectory = mkdtempSync(join(tmpdir(), "bench-data-"));
  let child = spawnService(port, { DATA_DIR: dataDirectory });
  const server: RunningServer = {
    ...running(child, port, "socketio"),
    restart: async (signal) => {
      await end(child, signal);
      const startedAt = performance.now();
      child = spawnService(port, { DATA_DIR: dataDirectory });
      await waitUntilReady(child, port);
      return performance.now() - startedAt;
    },
    stop: async () => {
      await end(child, "SIGTERM");
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
  try {
    await waitUntilReady(child, port);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function running(child: Child, port: number, dialect: Target["dialect"]): RunningServer {
  const { pid } = child;
  if (pid === undefined) throw new Error("the server could not be started");
  return { target: { port, pid, dialect }, stop: () => end(child, "SIGTERM") };
}
