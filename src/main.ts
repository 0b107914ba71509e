import { App } from "./app";
import { ConfigError, loadConfig } from "./config";
import { StoreError } from "./messageLog/messageLog";
import { createLogger } from "./observability/logger";

const STOP_DEADLINE_MS = 25_000; // below the 30 s after which Heroku sends SIGKILL
const CRASH_DEADLINE_MS = 5_000; // for draining after an unexpected failure

void main();

async function main(): Promise<void> {
  try {
    const config = loadConfig();
    const logger = createLogger(config.logLevel);
    const app = new App(config, logger);
    const stop = (exitCode: number, deadlineMs: number) => {
      setTimeout(() => process.exit(exitCode), deadlineMs).unref();
      app.stop().then(
        () => process.exit(exitCode),
        (err: unknown) => {
          logger.error({ err }, "stopping failed");
          process.exit(1);
        },
      );
    };
    const crash = (err: unknown) => {
      logger.fatal({ err }, "unexpected failure, draining");
      stop(1, CRASH_DEADLINE_MS);
    };
    process.on("SIGTERM", () => stop(0, STOP_DEADLINE_MS));
    process.on("SIGINT", () => stop(0, STOP_DEADLINE_MS));
    process.on("uncaughtException", crash);
    process.on("unhandledRejection", crash);
    await app.start();
  } catch (error) {
    fail(error as NodeJS.ErrnoException);
  }
}

/** Ends the process with exit code 1, after one line that names the cause; only unknown errors print their stack. */
function fail(error: NodeJS.ErrnoException): void {
  const isExplained =
    error instanceof ConfigError || error instanceof StoreError || error.syscall === "listen";
  const text = isExplained ? error.message : (error.stack ?? String(error));
  process.stderr.write(`realtime-chat-service: ${text}\n`);
  process.exit(1);
}
