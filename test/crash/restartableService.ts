import { freePort } from "../support/freePort";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { ServiceProcess } from "../support/serviceProcess";

const MAX_ERRORS = 10;
const ERROR_LEVEL = 50; // pino's level; the service must not log at it, whatever the fault

/** The service on one port, as a process that can be ended and started again. */
export class RestartableService {
  readonly url: string;
  readonly #env: Record<string, string>;
  /** Error lines of the processes that have ended. */
  readonly #pastErrors: string[] = [];
  #process: ServiceProcess | undefined;

  private constructor(port: number, env: Record<string, string>) {
    this.url = `http://127.0.0.1:${String(port)}`;
    this.#env = { ...NO_RATE_LIMITS, PORT: String(port), HISTORY_MAX_MESSAGES: "1000000", ...env };
  }

  static async create(env: Record<string, string>): Promise<RestartableService> {
    return new RestartableService(await freePort(), env);
  }

  /** What the service wrote at error level, to standard error or not as JSON, over all starts; the first lines. */
  get errors(): string[] {
    const current = this.#process === undefined ? [] : errorsOf(this.#process);
    return [...this.#pastErrors, ...current].slice(0, MAX_ERRORS);
  }

  /** Resolves with the milliseconds from the start to readiness. */
  async start(): Promise<number> {
    this.#process = await ServiceProcess.start(this.#env);
    return this.#process.startTimeMs;
  }

  /** Resolves with the exit code; null when the signal ended the process. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const running = this.#running();
    this.#process = undefined;
    if (running === undefined) return null;
    running.child.kill(signal);
    const { code } = await running.exited;
    this.#pastErrors.push(...errorsOf(running).slice(0, MAX_ERRORS));
    return code;
  }

  /** Stops the process without ending it; its connections stay open. */
  freeze(): void {
    this.#running()?.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#running()?.child.kill("SIGCONT");
  }

  #running(): ServiceProcess | undefined {
    const running = this.#process;
    if (running !== undefined && (running.child.exitCode !== null || running.child.signalCode !== null))
      throw new Error(`the service ended by itself: ${running.stdout.slice(-10_000)}${running.stderr}`);
    return running;
  }
}

function errorsOf({ stdout, stderr }: ServiceProcess): string[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return [
    ...stderr.split("\n").filter((line) => line !== ""),
    ...lines.filter((line) => levelOf(line) >= ERROR_LEVEL),
  ];
}

/** A line that is not JSON counts as an error. */
function levelOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { level?: unknown }).level);
  } catch {
    return Infinity;
  }
}
