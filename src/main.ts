import { App } from "./app";
import { ConfigError, loadConfig } from "./config";
import { StoreError } from "./messageLog/messageLog";
import { createLogger } from "./observability/logger";

const STOP_DEADLINE_MS = 25_000; // below the 30 s after which Heroku sends SIGKILL
const CRASH_DEADLINE_MS = 5_000; // for draining after an unexpected failure

main().catch(fail);

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger(config.logLevel);
  const app = new App(config, logger);
  const stop = async (exitCode: number, deadlineMs: number) => {
    setTimeout(() => process.exit(exitCode), deadlineMs).unref();
    await app.stop().catch(() => process.exit(1)); // the app has logged why
    process.exit(exitCode);
  };
  const crash = (err: unknown) => {
    logger.fatal({ err }, "unexpected failure, draining");
    void stop(1, CRASH_DEADLINE_MS);
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void stop(0, STOP_DEADLINE_MS));
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  await app.start();
}

/** Ends the process with exit code 1, after one line that names the cause; only unknown errors print their stack. */
function fail(error: NodeJS.ErrnoException): void {
  const isKnown = error instanceof ConfigError || error instanceof StoreError || error.syscall === "listen";
  const text = isKnown ? error.message : (error.stack ?? String(error));
  process.stderr.write(`realtime-chat-service: ${text}\n`);
  process.exit(1);
}
