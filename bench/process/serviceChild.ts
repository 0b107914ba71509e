/** One process of the service: how it is started, when it is ready, how it ends. */
import { createServer, type AddressInfo } from "node:net";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { exitOf, spawnPinned, type Child, type Role } from "./spawnPinned";

const serviceEntry = join(__dirname, "..", "..", "dist", "main.js");
const READY_WITHIN_MS = 10_000;
const STOPPED_WITHIN_MS = 5_000;

export function assertServiceBuilt(): void {
  if (!existsSync(serviceEntry)) throw new Error("dist/main.js is missing: run `npm run build` first");
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
