import { EVENTS } from "../../src/protocol/events";
import { pino } from "pino";
import { App } from "../../src/app";
import { ChatService } from "../../src/chat/chatService";
import { loadConfig } from "../../src/config";
import { connectResuming, resumedRooms, sendAcked, wholeHistory } from "../support/chat";
import { isLogClean } from "../support/logState";
import { RawPolling } from "../support/rawPolling";
import { RawTcp } from "../support/rawTcp";
import { RedisServer } from "../support/redisServer";
import { logInto } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { smallDisk } from "../support/smallDisk";
import { startStopwatch } from "../support/stopwatch";
import { StubbornWebSocket } from "../support/stubbornWebSocket";
import { TcpProxy } from "../support/tcpProxy";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { CLIENTS, TestClient } from "../support/testClient";
import { until } from "../support/until";

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s stops an idle service without its grace period of 2 s, with exit code 0",
  async (signal) => {
    const service = await ServiceProcess.start();
    const client = await TestClient.connect(service.url);
    service.child.kill(signal);
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(timeOf(service, "stopped") - timeOf(service, "draining")).toBeLessThan(2_000);
    client.disconnect();
  },
);

test.each(CLIENTS)("$name sees its transport close, so that it reconnects by itself", async ({ options }) => {
  const service = await ServiceProcess.start();
  const client = await TestClient.connect(service.url, options);
  const reason = client.disconnected();
  service.child.kill("SIGTERM");
  expect(await reason).toBe("transport close");
  expect(await service.exited).toEqual({ code: 0, signal: null });
});

test("a second SIGTERM changes nothing", async () => {
  const service = await ServiceProcess.start();
  await TestClient.connect(service.url);
  service.child.kill("SIGTERM");
  service.child.kill("SIGTERM");
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(service.lines.filter(({ msg }) => msg === "draining")).toHaveLength(1);
});

test("after SIGTERM under load, every acked message has reached every client", async () => {
  const service = await ServiceProcess.start({ MESSAGES_PER_SECOND: "0", LOG_LEVEL: "info" });
  const listeners = await Promise.all(Array.from({ length: 10 }, () => TestClient.connect(service.url)));
  const received = listeners.map((listener) => {
    const uuids = new Set<string>();
    listener.socket.on("/cooking", ({ data }: { data: { uuid: string } }) => uuids.add(data.uuid));
    return { uuids, gone: listener.disconnected() };
  });
  const sender = await TestClient.connect(service.url);
  const acked: string[] = [];
  const senderGone = sender.disconnected();
  const pump = setInterval(() => {
    const uuid = String(Math.random());
    const message = { username: "s", message: "m", uuid, chatRoom: { label: "x", name: "/cooking" } };
    sender.socket.emit(EVENTS.newMessage, message, () => {
      acked.push(uuid);
      if (acked.length === 200) service.child.kill("SIGTERM");
    });
  }, 1);
  await Promise.all([senderGone, ...received.map(({ gone }) => gone)]);
  clearInterval(pump);
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(acked.length).toBeGreaterThanOrEqual(200);
  for (const { uuids } of received) expect(acked.filter((uuid) => !uuids.has(uuid))).toEqual([]);
});

test("with a full disk it stops, logs how it stopped, and starts again with what was stored", async () => {
  const disk = smallDisk();
  const env = { DATA_DIR: disk.directory, MESSAGES_PER_SECOND: "0" };
  const service = await ServiceProcess.start(env);
  const client = await TestClient.connect(service.url);
  await sendAcked(client, { message: "stored" });
  disk.fill(service.child.pid);
  const refused = Array.from({ length: 50 }, () => sendAcked(client, { message: "x".repeat(4_000) }));
  for (const { status } of await Promise.allSettled(refused)) expect(status).toBe("rejected");
  service.child.kill("SIGTERM");
  const { code } = await service.exited;
  // There may have been room for the last few bytes.
  expect(service.lines.at(-1)?.msg).toBe(code === 0 ? "stopped" : "stopping failed");
  disk.free();
  const again = await ServiceProcess.start(env);
  expect((await wholeHistory(again.url)).map(({ message }) => message)).toEqual(["stored"]);
});

describe("with clients that have vanished", () => {
  const STOPS_WITHIN_MS = 5_000;

  /** Connects clients of every kind that will not answer a close. */
  async function connectVanished({ port, url }: ServiceProcess): Promise<void> {
    const proxy = await TcpProxy.to(port);
    for (const transport of ["websocket", "polling"] as const)
      await TestClient.connect(`http://127.0.0.1:${String(proxy.port)}`, { transports: [transport] });
    proxy.silence();
    await RawPolling.connect(url); // sends no poll any more
    await (await StubbornWebSocket.open(port)).connect();
    await StubbornWebSocket.open(port);
    const upgrading = await RawPolling.open(url);
    const probe = await StubbornWebSocket.open(port, `EIO=4&sid=${upgrading.sid}`);
    probe.send("2probe");
    await probe.waitFor("3probe");
    for (const start of ["", "GET /rooms HTTP/1.1\r\n", "GET /rooms HTTP/1.1\r\nHost: x\r\n\r\n"])
      await RawTcp.open(port, start);
    await RawTcp.open(port, "POST /rooms HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
  }

  async function stopInTime(service: ServiceProcess): Promise<void> {
    const elapsedMs = startStopwatch();
    service.child.kill("SIGTERM");
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(elapsedMs()).toBeLessThan(STOPS_WITHIN_MS);
    expect(service.lines.at(-1)?.msg).toBe("stopped");
  }

  async function expectRecovery(env: Record<string, string>, offset: string): Promise<void> {
    const { url } = await ServiceProcess.start(env);
    const rooms = await resumedRooms(await connectResuming(url, { "/cooking": offset }));
    expect(rooms["/cooking"]).toMatchObject({ recovered: true, replayed: 1 });
  }

  test("SIGTERM ends the service in order within 5 s, with the log closed", async () => {
    const env = { DATA_DIR: temporaryDirectory() };
    const service = await ServiceProcess.start(env);
    const client = await TestClient.connect(service.url);
    const { offset } = await sendAcked(client);
    await sendAcked(client);
    await connectVanished(service);
    await stopInTime(service);
    expect(await isLogClean(env.DATA_DIR)).toBe(true);
    await expectRecovery(env, offset);
  });

  test("SIGTERM ends the service in order within 5 s, although Redis is frozen", async () => {
    const redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    const service = await ServiceProcess.start(env);
    const client = await TestClient.connect(service.url);
    const { offset } = await sendAcked(client);
    await sendAcked(client);
    await connectVanished(service);
    redis.freeze();
    await stopInTime(service);
    redis.thaw();
    await expectRecovery(env, offset);
  });
});

test("a part that fails to stop, and one that hangs, are logged, and the log is closed nevertheless", async () => {
  const directory = temporaryDirectory();
  const logs: Record<string, unknown>[] = [];
  const app = new App(loadConfig({ PORT: "0", DATA_DIR: directory }), logInto(logs));
  const port = await app.start();
  await TestClient.connect(`http://localhost:${String(port)}`); // stays, so that the HTTP server does not close
  const close = jest.spyOn(ChatService.prototype, "close").mockRejectedValueOnce(new Error("broken"));
  await expect(app.stop()).rejects.toThrow("broken");
  close.mockRestore();
  const failures = logs.filter(({ msg }) => msg === "stopping failed");
  expect(failures).toMatchObject([{ part: "chat" }, { part: "HTTP server" }]);
  expect(await isLogClean(directory)).toBe(true);
});

test("a stop during the start closes the log, too", async () => {
  const directory = temporaryDirectory();
  let stopped: Promise<void> | undefined;
  const write = (line: string) => {
    if (line.includes('"listening"')) stopped = app.stop(); // the log opens next
  };
  const app = new App(loadConfig({ PORT: "0", DATA_DIR: directory }), pino({}, { write }));
  const started = app.start();
  await until("the service listens", () => stopped !== undefined);
  await stopped;
  expect(await isLogClean(directory)).toBe(true);
  await started;
});

/** Returns the time of the first log line with this text, in ms since the epoch. */
function timeOf({ lines }: ServiceProcess, message: string): number {
  return Date.parse(String(lines.find(({ msg }) => msg === message)?.time));
}
