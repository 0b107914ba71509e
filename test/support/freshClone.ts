import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROJECT = join(__dirname, "../..");

/** A copy of the files that git has or would add, in an empty folder: what a new user gets. */
export class FreshClone {
  readonly folder = mkdtempSync(join(tmpdir(), "clone-"));
  readonly #children = new Set<ChildProcess>();

  constructor() {
    const options = { cwd: PROJECT, encoding: "utf8" } as const;
    const files = execFileSync(
      "git",
      ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      options,
    );
    for (const file of files.split("\0").filter((name) => name !== ""))
      cpSync(join(PROJECT, file), join(this.folder, file), { recursive: true });
  }

  /** Runs the command in a shell; resolves with its output, rejects when the exit code is not 0. */
  async run(command: string, env: Record<string, string> = {}): Promise<string> {
    const { output, exited } = this.#spawn(command, env);
    const code = await exited;
    if (code !== 0) throw new Error(`${command}: exit ${String(code)}\n${output()}`);
    return output();
  }

  /** Starts the command; resolves, once its output contains the text, with a function that ends it. */
  async start(command: string, text: string, env: Record<string, string>): Promise<() => Promise<void>> {
    const { child, output, exited } = this.#spawn(command, env);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on("data", () => output().includes(text) && resolve());
      void exited.then((code) => reject(new Error(`${command}: exit ${String(code)}\n${output()}`)));
    });
    return async () => {
      kill(child);
      await exited;
    };
  }

  remove(): void {
    for (const child of this.#children) kill(child);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(command: string, env: Record<string, string>) {
    const { PATH = "", HOME = "", CI } = process.env;
    const child = spawn("sh", ["-c", command], {
      cwd: this.folder,
      // Not this process's environment: Jest sets NODE_ENV. npm reads its registry and proxy from its own files, too.
      env: { ...npmSettings(), PATH, HOME, ...(CI !== undefined && { CI }), ...env },
      detached: true, // a process group of its own, so that kill() ends what the shell started, too
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    this.#children.add(child);
    const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
    void exited.then(() => this.#children.delete(child));
    return { child, output: () => text, exited };
  }
}

/** The variables that say how this machine reaches the registry. */
function npmSettings(): Record<string, string> {
  const isSetting = ([name]: [string, unknown]) =>
    /^(npm_config_|https?_proxy$|no_proxy$|NODE_EXTRA_CA)/i.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(isSetting)) as Record<string, string>;
}

function kill(child: ChildProcess): void {
  try {
    process.kill(-(child.pid ?? 0), "SIGKILL");
  } catch {
    // It has ended already.
  }
}
