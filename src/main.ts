import { App } from "./app";
import { ConfigError, loadConfig } from "./config";
import { StoreError } from "./messageLog/messageLog";
import { createLogger } from "./observability/logger";

const STOP_DEADLINE = 25_000; // ms, before whoever sent SIGTERM loses patience (Heroku: 30 s)
const CRASH_DEADLINE = 5_000; // ms to drain after a failure nobody expected

void main();

async function main(): Promise<void> {
  try {
    const config = loadConfig();
    const logger = createLogger(config.logLevel);
    const service = new App(config, logger);
    const stop = (exitCode: number, deadline: number) => {
      setTimeout(() => process.exit(exitCode), deadline).unref();
      service.stop().then(
        () => process.exit(exitCode),
        (err: unknown) => {
          logger.error({ err }, "not stopped in order");
          process.exit(1);
        },
      );
    };
    const crash = (err: unknown) => {
      logger.fatal({ err }, "unexpected failure, draining");
      stop(1, CRASH_DEADLINE);
    };
    process.on("SIGTERM", () => stop(0, STOP_DEADLINE));
    process.on("SIGINT", () => stop(0, STOP_DEADLINE));
    process.on("uncaughtException", crash);
    process.on("unhandledRejection", crash);
    await service.start();
  } catch (error) {
    fail(error as NodeJS.ErrnoException);
  }
}

/** One line that says what to change, and exit code 1: nothing else of a failed start helps its reader. */
function fail(error: NodeJS.ErrnoException): void {
  const isExplained =
    error instanceof ConfigError || error instanceof StoreError || error.syscall === "listen";
  process.stderr.write(
    `realtime-chat-service: ${isExplained ? error.message : (error.stack ?? String(error))}\n`,
  );
  process.exit(1);
}
