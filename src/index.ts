import { App } from "./app";
import { ConfigError, loadConfig } from "./config";
import { StoreError } from "./messageLog/messageLog";
import { createLogger } from "./logger";

const STOP_DEADLINE = 25_000; // ms, before whoever sent SIGTERM loses patience (Heroku: 30 s)
const CRASH_DEADLINE = 5_000; // ms to drain after a failure nobody expected

void main();

async function main(): Promise<void> {
  try {
    const config = loadConfig();
    const logger = createLogger(config.logLevel);
    const app = new App(config, logger);
    let isStopping = false;
    const stop = (exitCode: number, deadline: number) => {
      isStopping = true;
      setTimeout(() => process.exit(exitCode), deadline).unref();
      void app.stop().finally(() => process.exit(exitCode));
    };
    const crash = (err: unknown) => {
      logger.fatal({ err }, "unexpected failure, draining");
      stop(1, CRASH_DEADLINE);
    };
    process.on("SIGTERM", () => stop(0, STOP_DEADLINE));
    process.on("SIGINT", () => stop(0, STOP_DEADLINE));
    process.on("uncaughtException", crash);
    process.on("unhandledRejection", crash);
    await app.start().catch((error: unknown) => {
      if (!isStopping) throw error; // else it is stop() that ends the process, and there is nothing to explain
    });
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
