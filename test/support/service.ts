import { pino, type Logger } from "pino";
import { App } from "../../src/app";
import { loadConfig } from "../../src/config";
import { afterThisTest } from "./disposal";
import { temporaryDirectory } from "./temporaryDirectory";

export interface RunningService {
  app: App;
  port: number;
  /** For example `http://localhost:45123`. */
  url: string;
  /** The log so far, one parsed line each. */
  logs: Record<string, unknown>[];
}

/** Starts the service in this process, on a free port, configured as by the given environment. Stopped after the test. */
export async function startService(env: Record<string, string> = {}): Promise<RunningService> {
  const config = loadConfig({ PORT: "0", DATA_DIR: temporaryDirectory(), ...env });
  const logs: Record<string, unknown>[] = [];
  const app = new App(config, logInto(logs));
  const port = await app.start();
  afterThisTest(() => app.stop());
  return { app, port, url: `http://localhost:${String(port)}`, logs };
}

/** A logger that appends each of its lines, parsed. */
export function logInto(lines: Record<string, unknown>[]): Logger {
  return pino(
    { level: "debug" },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
}
