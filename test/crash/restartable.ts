import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

const ENTRY = join(__dirname, "../../dist/index.js"); // npm run build
const START_DEADLINE = 15_000; // ms

/** The real service on one port and one directory, to be ended and started again. */
export class Restartable {
  readonly url: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #output = "";

  private constructor(port: number, dataDir: string) {
    this.url = `http://127.0.0.1:${String(port)}`;
    this.#env = {
      PATH: process.env.PATH,
      PORT: String(port),
      DATA_DIR: dataDir,
      MESSAGES_PER_SECOND: "0",
      HISTORY_PER_SECOND: "0",
      HISTORY_MAX_MESSAGES: "1000000",
    };
  }

  static async on(dataDir: string): Promise<Restartable> {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, "close");
    return new Restartable(port, dataDir);
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
      const onData = (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-10_000);
        if (!this.#output.includes('"ready"')) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout.on("data", onData);
      child.stderr.on("data", onData);
    });
    return performance.now() - began;
  }

  /** Resolves with the exit code once it is gone; null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the service ended by itself: ${this.#output}`);
    const closed = once(child, "close");
    child.kill(signal);
    const [code] = (await closed) as [number | null];
    return code;
  }
}
