/** The servers under test: how each is started, when it is ready, how it is stopped. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { Target } from "../scenarios/scenario";
import { exitOf, spawnPinned, type Child, type Role } from "./spawnPinned";
import { startTwoNodes } from "./twoNodes";

export const targetNames = ["socketioByTheBook", "bareWs", "service", "twoNodes"] as const;
export type TargetName = (typeof targetNames)[number];
/** Those of one process each: the ones that are compared. */
export const SINGLE: readonly TargetName[] = ["socketioByTheBook", "bareWs", "service"];
/** What the others are compared with. */
export const BASELINE: TargetName = "socketioByTheBook";

export interface RunningServer {
  target: Target;
  /** Ends the process and starts it again on the same data; returns the ms from there until it is ready. */
  restart?(signal: NodeJS.Signals): Promise<number>;
  /** Where the nodes have their Redis. */
  redisUrl?: string;
  /** Ends the first of two nodes, as kill -9 does. */
  killNode?(): void;
  stop(): Promise<void>;
}

const serviceEntry = join(__dirname, "..", "..", "dist", "main.js");
const READY_WITHIN_MS = 10_000;
const STOPPED_WITHIN_MS = 5_000;

export function assertServiceBuilt(): void {
  if (!existsSync(serviceEntry)) throw new Error("dist/main.js is missing: run `npm run build` first");
}

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
      await ready(child, port);
      return performance.now() - startedAt;
    },
    stop: async () => {
      await end(child, "SIGTERM");
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
  try {
    await ready(child, port);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

export function spawnService(port: number, env: NodeJS.ProcessEnv, role: Role = "server"): Child {
  const child = spawnPinned(role, [serviceEntry], {
    PORT: String(port),
    LOG_LEVEL: "warn",
    ALLOWED_ORIGINS: "*",
    MESSAGES_PER_SECOND: "0",
    PRESENCE_PER_SECOND: "0",
    HISTORY_PER_SECOND: "0",
    ...env,
  });
  child.stdout.pipe(process.stderr, { end: false }); // its warnings must be seen, and stdout is the report's
  return child;
}

function running(child: Child, port: number, dialect: Target["dialect"]): RunningServer {
  const { pid } = child;
  if (pid === undefined) throw new Error("the server could not be started");
  return { target: { port, pid, dialect }, stop: () => end(child, "SIGTERM") };
}

export async function end(child: Child, signal: NodeJS.Signals): Promise<void> {
  const killer = setTimeout(() => child.kill("SIGKILL"), STOPPED_WITHIN_MS);
  child.kill(signal);
  await exitOf(child);
  clearTimeout(killer);
}

export async function ready(child: Child, port: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const status = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await pause(2);
  }
  throw new Error("the service did not become ready");
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
