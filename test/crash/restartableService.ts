import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "../support/freePort";

const ENTRY = join(__dirname, "../../dist/main.js"); // npm run build
const START_DEADLINE = 15_000; // ms
const MAX_COMPLAINTS = 10; // kept
const ERROR = 50; // level of the log lines that nobody should ever see

/** The real service on one port, to be ended and started again. */
export class RestartableService {
  readonly url: string;
  /** What it wrote, over all its lives, that is an error or no log line at all. */
  readonly complaints: string[] = [];
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #output = "";

  private constructor(port: number, env: NodeJS.ProcessEnv) {
    this.url = `http://127.0.0.1:${String(port)}`;
    this.#env = {
      PATH: process.env.PATH,
      PORT: String(port),
      MESSAGES_PER_SECOND: "0",
      HISTORY_PER_SECOND: "0",
      HISTORY_MAX_MESSAGES: "1000000",
      ...env,
    };
  }

  static async on(env: NodeJS.ProcessEnv): Promise<RestartableService> {
    return new RestartableService(await freePort(), env);
  }

  /** Resolves with the ms it took to be ready. */
  async start(): Promise<number> {
    const began = performance.now();
    const child = spawn(process.execPath, [ENTRY], { env: this.#env, stdio: "pipe" });
    this.#child = child;
    this.#output = "";
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`the service did not start: ${this.#output}`));
      const timer = setTimeout(fail, START_DEADLINE);
      child.once("close", fail);
      const onLine = (line: string) => {
        this.#hear(line);
        if (!line.includes('"ready"')) return;
        clearTimeout(timer);
        resolve();
      };
      for (const stream of [child.stdout, child.stderr]) eachLine(stream, onLine);
    });
    return performance.now() - began;
  }

  /** Resolves with the exit code once it is gone; null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#running();
    this.#child = undefined;
    if (child === undefined) return null;
    const closed = once(child, "close");
    child.kill(signal);
    const [code] = (await closed) as [number | null];
    return code;
  }

  /** It stands still, while its connections stay open. */
  freeze(): void {
    this.#running()?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#running()?.kill("SIGCONT");
  }

  #running(): ChildProcess | undefined {
    const child = this.#child;
    if (child !== undefined && (child.exitCode !== null || child.signalCode !== null))
      throw new Error(`the service ended by itself: ${this.#output}`);
    return child;
  }

  #hear(line: string): void {
    this.#output = `${this.#output}${line}\n`.slice(-10_000);
    if (levelOf(line) >= ERROR && this.complaints.length < MAX_COMPLAINTS) this.complaints.push(line);
  }
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  });
}

function levelOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { level?: unknown }).level);
  } catch {
    return Infinity;
  }
}
