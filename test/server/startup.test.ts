import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterThisTest } from "../support/disposal";
import { smallDisk } from "../support/smallDisk";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";

test("the compiled service is ready soon after its process has started", async () => {
  const service = await ServiceProcess.start();
  expect(service.startTimeMs).toBeLessThan(5_000); // ms; about 500 on an idle machine
  const answer = await fetch(`${service.url}/readyz`);
  expect(answer.status).toBe(200);
});

test.each([
  ["PORT=abc", { PORT: "abc" }, /^realtime-chat-service: PORT must be a whole number/],
  ["WORKERS=2", { WORKERS: "2" }, /^realtime-chat-service: WORKERS is not supported any more: [^\n]*nginx/],
  ["a rooms file that is not JSON", { ROOMS_FILE: "README.md" }, /ROOMS_FILE .* cannot be read/],
  ["JWKS_URL with a password", { JWKS_URL: "https://u:secret@h/" }, /^[^:]+: JWKS_URL must (?!.*secret)/],
  [
    "REDIS_URL with a name of a database",
    { REDIS_URL: "redis://:secret@h/abc" },
    /: REDIS_URL must (?!.*secret)/,
  ],
  ["a missing rooms file", { ROOMS_FILE: "/nowhere/rooms.json" }, /ROOMS_FILE .* cannot be read: ENOENT/],
])("%s stops the start with one clear line and exit code 1", async (_name, env, line) => {
  const service = new ServiceProcess(env);
  expect(await service.exited).toEqual({ code: 1, signal: null });
  expect(service.stderr).toMatch(line);
  expect(service.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(service.stdout).toBe("");
});

test("a port in use stops the start with one clear line and exit code 1", async () => {
  const other = createServer().listen(0);
  afterThisTest(() => other.close());
  await once(other, "listening");
  const service = new ServiceProcess({ PORT: String((other.address() as AddressInfo).port) });
  expect(await service.exited).toEqual({ code: 1, signal: null });
  expect(service.stderr).toMatch(/^realtime-chat-service: listen EADDRINUSE.*\n$/);
});

test("a DATA_DIR that cannot be created stops the start with one clear line and exit code 1", async () => {
  const service = new ServiceProcess({ DATA_DIR: "/dev/null/data" });
  expect(await service.exited).toEqual({ code: 1, signal: null });
  expect(service.stderr).toMatch(
    /^realtime-chat-service: \/dev\/null\/data cannot be used: ENOTDIR[^\n]*\n$/,
  );
  expect(service.lines.map(({ msg }) => msg)).toEqual(["listening"]);
});

test("a full disk stops the first start with one clear line and exit code 1", async () => {
  const disk = smallDisk();
  disk.fill();
  const service = new ServiceProcess({ DATA_DIR: disk.directory });
  const exit = await service.exited;
  disk.free();
  expect(exit).toEqual({ code: 1, signal: null });
  expect(service.stderr).toMatch(
    /^realtime-chat-service: .* cannot be opened: 1 MiB cannot be written to DATA_DIR: E(NOSPC|FBIG)[^\n]*\n$/,
  );
  await ServiceProcess.start({ DATA_DIR: disk.directory });
});

test("a DATA_DIR in use stops the start with one clear line and exit code 1", async () => {
  const DATA_DIR = temporaryDirectory();
  await ServiceProcess.start({ DATA_DIR });
  const second = new ServiceProcess({ DATA_DIR });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toBe(`realtime-chat-service: ${DATA_DIR} is in use by another process\n`);
});

test("a damaged DATA_DIR stops the start with one clear line and exit code 1", async () => {
  const DATA_DIR = temporaryDirectory();
  mkdirSync(join(DATA_DIR, "log"));
  writeFileSync(join(DATA_DIR, "log/data.mdb"), "not a database ".repeat(1_000));
  const service = new ServiceProcess({ DATA_DIR });
  expect(await service.exited).toEqual({ code: 1, signal: null });
  expect(service.stderr).toMatch(/^realtime-chat-service: .* cannot be opened: the file is damaged[^\n]*\n$/);
});
