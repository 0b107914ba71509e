import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const TSC = require.resolve("typescript/bin/tsc");
const USES_TYPES = `
import { ChatClient, ChatClientError, type HistoricalMessage, type MessageReceipt } from "realtime-chat-service/client";
const client = new ChatClient("http://localhost:34000", { username: "ana", fetch });
client.on("message", (message: HistoricalMessage) => message.offset.toUpperCase());
client.on("error", (error: ChatClientError) => error.status.toFixed());
const receipt: Promise<MessageReceipt> = client.send("/cooking", "hello");
// @ts-expect-error there is no such event
client.on("mesage", () => receipt);
// @ts-expect-error a room is a name
void client.send(7, "hello");
`;

const folder = mkdtempSync(join(tmpdir(), "chat-"));
const consumer = join(folder, "consumer");

beforeAll(() => installPackage(pack()));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Packs the package together with the client's types and returns the path of the tarball. The build would write the types
 * into `dist`, from which other suites run.
 */
function pack(): string {
  const copy = join(folder, "package");
  for (const part of ["package.json", "dist"]) cpSync(part, join(copy, part), { recursive: true });
  run(process.execPath, [TSC, "-p", "src/client", "--outDir", join(copy, "dist")], process.cwd());
  const output = run("npm", ["pack", "--ignore-scripts", "--offline", "--json"], copy);
  const [packed] = Object.values(JSON.parse(output) as { filename: string }[]);
  return join(copy, packed?.filename ?? "");
}

/** Installs the packed package, with nothing else but the client's dependencies. */
function installPackage(tarball: string): void {
  const modules = join(consumer, "node_modules");
  const installed = join(modules, "realtime-chat-service");
  mkdirSync(installed, { recursive: true });
  run("tar", ["xzf", tarball, "-C", installed, "--strip-components=1"], folder);
  for (const name of ["socket.io-client", "uuid"])
    symlinkSync(resolve("node_modules", name), join(modules, name));
}

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function runNode(file: string, source: string): string {
  writeFileSync(join(consumer, file), source);
  return run(process.execPath, [file], consumer).trim();
}

function compile(file: string, settings: string[]): void {
  writeFileSync(join(consumer, file), USES_TYPES);
  const common = ["--noEmit", "--strict", "--skipLibCheck", "--lib", "es2023,dom"];
  run(process.execPath, [TSC, ...common, ...settings, file], consumer);
}

test("the package's client can be required and imported, and both give the same classes", () => {
  const required = `const { ChatClient } = require("realtime-chat-service/client");
    console.log(typeof new ChatClient("http://localhost").send);`;
  expect(runNode("required.cjs", required)).toBe("function");
  const imported = `import { createRequire } from "node:module";
    import { ChatClient, ChatClientError } from "realtime-chat-service/client";
    const required = createRequire(import.meta.url)("realtime-chat-service/client");
    console.log(required.ChatClient === ChatClient && required.ChatClientError === ChatClientError);`;
  expect(runNode("imported.mjs", imported)).toBe("true");
});

test("TypeScript finds the client's types, from CommonJS, from ES modules and for bundlers", () => {
  const node = ["--module", "nodenext"];
  compile("client.cts", node);
  compile("client.mts", node);
  compile("client.ts", ["--module", "esnext", "--moduleResolution", "bundler"]);
});

test("the client loads neither modules of Node nor of the server", () => {
  const loaded = runNode(
    "graph.cjs",
    `const { sep } = require("node:path");
     const before = new Set(Object.keys(require.cache));
     require("realtime-chat-service/client");
     const files = Object.keys(require.cache).filter((file) => !before.has(file));
     const own = files.filter((file) => file.includes("realtime-chat-service" + sep));
     console.log(JSON.stringify(own));`,
  );
  for (const file of JSON.parse(loaded) as string[]) {
    expect(file).toMatch(/dist\/(client\/\w+|protocol\/(events|limits))\.js$/);
    expect(readFileSync(file, "utf8")).not.toMatch(/require\("node:|\bprocess\.|\bBuffer\b/);
  }
});
