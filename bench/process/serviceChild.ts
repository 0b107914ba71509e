/** A process of the service: starts it, waits until it is ready, ends it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { exitOf, spawnPinned, type Child, type Role } from "./spawnPinned";

const serviceEntry = join(__dirname, "..", "..", "dist", "main.js");
const READY_WITHIN_MS = 10_000;
const STOPPED_WITHIN_MS = 5_000;
const POLL_INTERVAL_MS = 2; // startWithFullLog measures starts, so it is short

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
  child.stdout.pipe(process.stderr, { end: false }); // shows its warnings; stdout belongs to the report
  return child;
}

/** Sends the signal and resolves once the process has ended; kills it after `STOPPED_WITHIN_MS`. */
export async function end(child: Child, signal: NodeJS.Signals): Promise<void> {
  const killer = setTimeout(() => child.kill("SIGKILL"), STOPPED_WITHIN_MS);
  child.kill(signal);
  await exitOf(child);
  clearTimeout(killer);
}

/** Resolves once /readyz answers 200; rejects after `READY_WITHIN_MS` or when the process ends. */
export async function waitUntilReady(child: Child, port: number): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const status = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await pause(POLL_INTERVAL_MS);
  }
  throw new Error("the service did not become ready");
}
