import { pino, type Logger } from "pino";

export type { Logger } from "pino";

const LINES_PER_SECOND = 50; // per kind of event

/** JSON lines on standard output. */
export function createLogger(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }); // never gets message bodies or tokens
}

/**
 * Logs what clients cause, one line per event, but no more than a reader could use: past 50 lines a second of
 * one kind the rest is counted, and the next line of that kind says how many were left out.
 */
export class ClientEventLog {
  readonly #logger: Logger;
  /** kind of event → the current second, lines written in it, lines left out since the last one written */
  readonly #kinds = new Map<string, { second: number; written: number; suppressed: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  info(kind: string, fields: Record<string, unknown>): void {
    this.#write("info", kind, fields);
  }

  warn(kind: string, fields: Record<string, unknown>): void {
    this.#write("warn", kind, fields);
  }

  /** For failures of the server's own; `err` in the fields gets its stack logged. */
  error(kind: string, fields: Record<string, unknown>): void {
    this.#write("error", kind, fields);
  }

  #write(level: "info" | "warn" | "error", kind: string, fields: Record<string, unknown>): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    const second = Math.floor(Date.now() / 1000);
    const state = this.#kinds.get(kind) ?? { second, written: 0, suppressed: 0 };
    this.#kinds.set(kind, state);
    if (state.second !== second) Object.assign(state, { second, written: 0 });
    if (state.written >= LINES_PER_SECOND) {
      state.suppressed += 1;
      return;
    }
    state.written += 1;
    this.#logger[level](state.suppressed > 0 ? { ...fields, suppressed: state.suppressed } : fields, kind);
    state.suppressed = 0;
  }
}
