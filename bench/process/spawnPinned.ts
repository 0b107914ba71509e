/** Starts child processes, each on the core of its role where `taskset` works. They end with this process. */
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";

export const CORES = { server: 0, generator: 1 };

/** Whether both cores can be used; a container may have only one, or others. */
export const canPin = Object.values(CORES).every(
  (core) => spawnSync("taskset", ["-c", String(core), "true"]).status === 0,
);

export type Child = ChildProcessByStdio<null, Readable, null>;

const alive = new Set<Child>();
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

export type Role = keyof typeof CORES | "anywhere";

/** Starts Node.js with these arguments. */
export function spawnPinned(role: Role, args: string[], env: NodeJS.ProcessEnv = {}): Child {
  return spawnProgram(role, process.execPath, args, env);
}

/** Starts any program. With the role `anywhere` the system chooses the core. */
export function spawnProgram(
  role: Role,
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Child {
  const [command, commandArgs] =
    canPin && role !== "anywhere"
      ? ["taskset", ["-c", String(CORES[role]), program, ...args]]
      : [program, args];
  const child = spawn(command, commandArgs, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  alive.add(child);
  child.once("close", () => alive.delete(child));
  return child;
}

/** Resolves once the process has exited. */
export function exitOf(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}
