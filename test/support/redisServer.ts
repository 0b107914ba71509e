import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterThisTest } from "./disposal";
import { freePort } from "./freePort";
import { until } from "./until";

/** A real Redis, with its data in a temporary directory, that can be killed, frozen, filled and started again. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #control: Redis | undefined;

  private constructor(port: number) {
    this.port = port;
    this.#directory = mkdtempSync(join(tmpdir(), "chat-redis-"));
  }

  /** Lives until the end of the test; one that is shared by several must be stopped by who started it. */
  static async start({ isShared = false } = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    if (!isShared) afterThisTest(() => server.dispose());
    return server;
  }

  get #data(): string {
    return join(this.#directory, "appendonlydir");
  }

  get #backup(): string {
    return join(this.#directory, "backup");
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  /** For what a test does behind the service's back. */
  get control(): Redis {
    this.#control ??= new Redis(this.port, { maxRetriesPerRequest: null }).on("error", () => undefined);
    return this.#control;
  }

  /** Starts it again, with what the last one had on disk. Every write is on disk before it is answered. */
  async start(): Promise<void> {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#directory];
    const persistence = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    const child = spawn("redis-server", [...options, ...persistence], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    this.#exited = once(child, "exit");
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await until("redis-server accepts connections", () => {
      if (child.exitCode !== null) throw new Error(`redis-server did not start: ${output}`);
      return output.includes("Ready to accept connections");
    });
  }

  /** As kill -9 does it; also for one that is frozen. */
  async kill(): Promise<void> {
    this.#control?.disconnect();
    this.#control = undefined;
    this.#process?.kill("SIGKILL");
    await this.#exited;
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** While it is down: keeps a copy of its data, to which `restore` goes back. */
  backUp(): void {
    cpSync(this.#data, this.#backup, { recursive: true });
  }

  /** While it is down: forgets what was written since the back-up, as a crash may do. */
  restore(): void {
    rmSync(this.#data, { recursive: true });
    cpSync(this.#backup, this.#data, { recursive: true });
  }

  /** While it is down: forgets everything, as a Redis without persistence does. */
  async startEmpty(): Promise<void> {
    rmSync(this.#data, { recursive: true });
    await this.start();
  }

  /** It answers nobody, while its connections stay open. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }
}

/** One Redis for all tests of a suite, emptied before each; to be called in the suite, and the result in its tests. */
export function sharedRedis(): () => RedisServer {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start({ isShared: true });
  });
  beforeEach(() => server.control.flushall());
  afterAll(() => server.dispose());
  return () => server;
}
