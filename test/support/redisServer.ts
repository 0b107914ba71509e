import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterThisTest } from "./disposal";
import { freePort } from "./freePort";
import { until } from "./until";

/** A Redis process with its data in a temporary directory. A test can kill, freeze and restart it. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #control: Redis | undefined;

  readonly #options: readonly string[];

  private constructor(port: number, options: readonly string[]) {
    this.port = port;
    this.#options = options;
    this.#directory = mkdtempSync(join(tmpdir(), "chat-redis-"));
  }

  /** Stopped after the test, unless `isShared`: then the caller calls `dispose`. `options`: further arguments. */
  static async start({ isShared = false, options = [] as string[] } = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
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

  /** Of the process that runs now; NaN while none does. */
  get pid(): number {
    return this.#process?.pid ?? NaN;
  }

  /** A connection for commands that bypass the service. */
  get control(): Redis {
    this.#control ??= new Redis(this.port, { maxRetriesPerRequest: null }).on("error", () => undefined);
    return this.#control;
  }

  /** Starts Redis on the data that is on disk. It flushes every write before it answers (appendfsync always). */
  async start(): Promise<void> {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#directory];
    const persistence = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    const child = spawn("redis-server", [...options, ...persistence, ...this.#options], {
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

  /** Ends it with SIGKILL, which works on a frozen process, too. */
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

  /** Copies the data for `restore`. Redis must be stopped. */
  backUp(): void {
    cpSync(this.#data, this.#backup, { recursive: true });
  }

  /** Replaces the data by the back-up, so writes since then are lost, as after a crash. Redis must be stopped. */
  restore(): void {
    rmSync(this.#data, { recursive: true });
    cpSync(this.#backup, this.#data, { recursive: true });
  }

  /** Deletes the data and starts, as a Redis without persistence does. Redis must be stopped. */
  async startEmpty(): Promise<void> {
    rmSync(this.#data, { recursive: true });
    await this.start();
  }

  /** Stops the process without ending it: it answers no command, and its connections stay open. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }
}

/** One Redis for all tests of a suite, emptied before each test. Call this in the suite, and the result in its tests. */
export function sharedRedis(): () => RedisServer {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start({ isShared: true });
  });
  beforeEach(() => server.control.flushall());
  afterAll(() => server.dispose());
  return () => server;
}
