import { EVENTS } from "../../src/protocol/events";
import { sendAcked, wholeHistory } from "../support/chat";
import { ServiceProcess } from "../support/serviceProcess";
import { smallDisk } from "../support/smallDisk";
import { CLIENTS, TestClient } from "../support/testClient";

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

/** Returns the time of the first log line with this text, in ms since the epoch. */
function timeOf({ lines }: ServiceProcess, message: string): number {
  return Date.parse(String(lines.find(({ msg }) => msg === message)?.time));
}
