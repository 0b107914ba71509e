import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterThisTest } from "./disposal";
import { temporaryDirectory } from "./temporaryDirectory";

const ENTRY = join(__dirname, "../../dist/main.js"); // built by globalSetup
const DEADLINE = 15_000; // ms; only a failing test gets there

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The service as its own process, as `npm start` runs it. Killed after the test if it still runs. */
export class ServiceProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  stdout = "";
  stderr = "";
  /** ms from the process start to its readiness */
  startTime = NaN;

  constructor(env: Record<string, string> = {}) {
    const { PATH = "" } = process.env;
    this.child = spawn(process.execPath, [ENTRY], {
      env: { PATH, PORT: "0", DATA_DIR: temporaryDirectory(), ...env },
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

  static async start(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = new ServiceProcess(env);
    const start = performance.now();
    await service.#ready();
    service.startTime = performance.now() - start;
    return service;
  }

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

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the service did not start: ${this.stdout}${this.stderr}`));
      const timer = setTimeout(fail, DEADLINE);
      void this.exited.then(fail);
      this.child.stdout?.on("data", () => {
        if (!this.stdout.includes('"ready"')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
