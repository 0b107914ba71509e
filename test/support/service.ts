import { pino, type Logger } from "pino";
import { App } from "../../src/app";
import { loadConfig } from "../../src/config";
import { temporaryDirectory } from "./temporaryDirectory";
import { afterThisTest } from "./disposal";

export interface RunningService {
  app: App;
  port: number;
  /** e.g. `http://localhost:45123` */
  url: string;
  /** What was logged so far, one parsed line each. */
  logs: Record<string, unknown>[];
}

/** Starts the service in this process, on a free port, configured as by the given environment. */
export async function startService(env: Record<string, string> = {}): Promise<RunningService> {
  const config = loadConfig({ PORT: "0", DATA_DIR: temporaryDirectory(), ...env });
  const logs: Record<string, unknown>[] = [];
  const app = new App(config, logInto(logs));
  const port = await app.start();
  afterThisTest(() => app.stop());
  return { app, port, url: `http://localhost:${String(port)}`, logs };
}

/** A logger that keeps what it is told. */
export function logInto(lines: Record<string, unknown>[]): Logger {
  return pino(
    { level: "debug" },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
}
