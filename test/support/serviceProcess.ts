import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterThisTest } from "./disposal";
import { startStopwatch } from "./stopwatch";
import { temporaryDirectory } from "./temporaryDirectory";

const ENTRY = join(__dirname, "../../dist/main.js"); // built by globalSetup or `npm run build`
const START_TIMEOUT_MS = 15_000; // only a failing test waits so long

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The service as a process of its own, as `npm start` runs it. Killed after the test if it still runs. */
export class ServiceProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  stdout = "";
  stderr = "";
  /** From the start of the process until it is ready, as a stopwatch measures it; NaN before. */
  startTimeMs = NaN;

  /** Starts the process and does not wait until it is ready. */
  constructor(env: Record<string, string> = {}) {
    const { PATH = "" } = process.env;
    this.child = spawn(process.execPath, [ENTRY], {
      env: { PATH, PORT: "0", DATA_DIR: env.DATA_DIR ?? temporaryDirectory(), ...env },
      stdio: "pipe",
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) =>
      this.child.once("close", (code, signal) => resolve({ code, signal })),
    );
    afterThisTest(async () => {
      this.child.kill("SIGKILL");
      await this.exited;
    });
  }

  /** Resolves once the service is ready; rejects with its output when it ends or takes too long. */
  static async start(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = new ServiceProcess(env);
    const elapsedMs = startStopwatch();
    await service.#waitUntilReady();
    service.startTimeMs = elapsedMs();
    return service;
  }

  /** The log so far, one parsed line each. */
  get lines(): Record<string, unknown>[] {
    const lines = this.stdout.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get port(): number {
    return Number(this.lines.find(({ msg }) => msg === "listening")?.port);
  }

  get url(): string {
    return `http://localhost:${String(this.port)}`;
  }

  #waitUntilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the service did not start: ${this.stdout}${this.stderr}`));
      const timer = setTimeout(fail, START_TIMEOUT_MS);
      void this.exited.then(() => {
        clearTimeout(timer);
        fail();
      });
      this.child.stdout?.on("data", () => {
        if (!this.stdout.includes('"ready"')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
