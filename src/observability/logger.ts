import { pino, type Logger } from "pino";
import { FixedWindow } from "./fixedWindow";

export type { Logger } from "pino";

const MAX_LINES_PER_SECOND = 50; // per kind of event

/**
 * Returns a logger that writes JSON lines with ISO timestamps to standard output. `level` is one of pino's, or
 * `silent`. Log neither message bodies nor tokens.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
}

/**
 * Logs events that clients cause, one line per event, but at most 50 lines a second of one kind. Further lines are
 * only counted; the next line of that kind has their number in `suppressed`.
 */
export class ClientEventLog {
  /** The line's `msg` is the first argument: one of a fixed list, never a text from a client. */
  readonly info = this.#writer("info");
  readonly warn = this.#writer("warn");
  /** Logs a failure of the server itself. An `err` in the fields is logged with its stack. */
  readonly error = this.#writer("error");
  readonly #logger: Logger;
  readonly #lines: FixedWindow<string>;
  /** kind of event → lines left out since the last one written */
  readonly #suppressed = new Map<string, number>();

  /** `now` is a monotonic clock in ms. */
  constructor(logger: Logger, now?: () => number) {
    this.#logger = logger;
    this.#lines = new FixedWindow(1_000, now);
  }

  #writer(level: "info" | "warn" | "error"): (kind: string, fields: Record<string, unknown>) => void {
    return (kind, fields) => {
      if (!this.#logger.isLevelEnabled(level)) return;
      const suppressed = this.#suppressed.get(kind) ?? 0;
      if (this.#lines.count(kind) > MAX_LINES_PER_SECOND) {
        this.#suppressed.set(kind, suppressed + 1);
        return;
      }
      this.#logger[level](suppressed > 0 ? { ...fields, suppressed } : fields, kind);
      this.#suppressed.delete(kind);
    };
  }
}
