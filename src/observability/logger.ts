import { pino, type Logger } from "pino";
import { FixedWindow } from "./fixedWindow";

export type { Logger } from "pino";

const MAX_LINES_PER_SECOND = 50; // per kind of event
const MAX_TEXT_LENGTH = 500; // of an error; characters
const MAX_CAUSES = 4; // an error can be its own cause
/** Parts of messages that may be secret: user and password in a URL, arguments of a command, invalid JSON. */
const SECRETS: [pattern: RegExp, replacement: string][] = [
  [/\/\/[^/\s]*@/g, "//"],
  [/, with args beginning with: .*/gs, ""],
  [/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON/gs, " in JSON"],
];
const STACK_FRAMES = /(^ +at .*\n?)+$/m; // without the message before them
/** Characters that would break the line or control a terminal. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** An `err` is logged with nothing else that errors carry, such as a command of Redis with names and avatars. */
const SERIALIZERS = { err: toLoggedError };

/**
 * Returns a logger that writes JSON lines with ISO timestamps to standard output. `level` is one of pino's, or
 * `silent`. Log neither message bodies nor tokens. An `err` is for failures that no code expects: it is logged with its
 * stack. An expected failure has `reason: errorText(error)`.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: SERIALIZERS });
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
    this.#logger = logger.child({}, { serializers: SERIALIZERS }); // an embedding application's logger, too
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

/**
 * Returns the messages and codes of an error and its causes as one line of at most 500 characters, without the user and
 * password of a URL, the arguments of a command, or text that is not JSON.
 */
export function errorText(error: unknown): string {
  const texts: string[] = [];
  for (let each = error; each instanceof Error && texts.length < MAX_CAUSES; each = causeOf(each)) {
    const { message, code } = each as NodeJS.ErrnoException;
    texts.push(code === undefined || message.includes(code) ? message : `${message} (${code})`);
  }
  let text = texts.length > 0 ? texts.join(": ") : String(error);
  for (const [pattern, replacement] of SECRETS) text = text.replace(pattern, replacement);
  return text.replace(CONTROL_CHARACTERS, " ").slice(0, MAX_TEXT_LENGTH);
}

/** A transaction of Redis that failed has its cause in `previousErrors`. */
function causeOf(error: Error & { previousErrors?: unknown[] }): unknown {
  return error.cause ?? error.previousErrors?.[0];
}

function toLoggedError(error: unknown): unknown {
  const message = errorText(error);
  if (!(error instanceof Error)) return { message };
  const frames = error.stack?.match(STACK_FRAMES)?.[0];
  return { type: error.name, message, code: (error as NodeJS.ErrnoException).code, stack: frames };
}
