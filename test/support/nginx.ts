import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { findBinary } from "./binaries";
import { afterThisTest } from "./disposal";
import { freePort } from "./freePort";
import { temporaryDirectory } from "./temporaryDirectory";
import { until } from "./until";

const CONFIGURATION = join(__dirname, "../../docs/nginx.conf");
const UPSTREAM_SERVER = /server chat-\d+:34000/g;
const TEMPORARY_FILES = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/**
 * Starts nginx with docs/nginx.conf before the nodes that listen on these ports; only host names, ports and paths
 * differ from the file. Resolves with nginx's URL. Stopped after the test.
 */
export async function startNginx(nodePorts: readonly number[]): Promise<string> {
  const directory = temporaryDirectory();
  const file = join(directory, "nginx.conf");
  const port = await freePort();
  writeFileSync(file, configuration(directory, port, nodePorts));
  const globals = `daemon off; pid ${directory}/nginx.pid;`;
  const args = ["-c", file, "-p", directory, "-e", "stderr", "-g", globals];
  const nginx = spawn(findBinary("nginx") ?? "nginx", args);
  let stderr = "";
  nginx.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(nginx, "close");
  afterThisTest(async () => {
    nginx.kill("SIGTERM"); // fast shutdown, workers included
    await exited;
  });
  await until("nginx listens", () => {
    if (nginx.exitCode !== null) throw new Error(`nginx did not start: ${stderr}`);
    return isListening(port);
  });
  return `http://127.0.0.1:${String(port)}`;
}

function configuration(directory: string, port: number, nodePorts: readonly number[]): string {
  const original = readFileSync(CONFIGURATION, "utf8");
  const ports = [...nodePorts];
  const temporaryPaths = TEMPORARY_FILES.map((name) => `${name}_temp_path ${directory}/${name};`).join(" ");
  const changed = original
    .replace(UPSTREAM_SERVER, () => `server 127.0.0.1:${String(ports.shift())}`)
    .replace("listen 80;", `listen 127.0.0.1:${String(port)};`)
    .replace("http {", `http { ${temporaryPaths}`);
  if (original.match(UPSTREAM_SERVER)?.length !== nodePorts.length || !changed.includes(`:${String(port)};`))
    throw new Error("docs/nginx.conf has changed and cannot be adapted to the test");
  return changed;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
