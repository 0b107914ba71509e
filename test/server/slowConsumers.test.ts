import { once } from "node:events";
import { WebSocket } from "ws";
import { EVENTS } from "../../src/protocol/events";
import { afterThisTest } from "../support/disposal";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService, type RunningService } from "../support/service";
import { CLIENTS, TestClient } from "../support/testClient";
import { until } from "../support/until";
import { COOKING } from "../support/rooms";

const LONG_TEXT = "x".repeat(4_000);

/** A websocket client that connects, then never reads again. */
async function connectStalledClient({ port }: RunningService): Promise<WebSocket> {
  const socket = new WebSocket(`ws://localhost:${String(port)}/socket.io/?EIO=4&transport=websocket`);
  afterThisTest(() => socket.terminate());
  await once(socket, "message"); // the Engine.IO handshake
  socket.send("40");
  await once(socket, "message"); // connected
  socket.pause();
  return socket;
}

/** Sends messages of 4,000 characters until the condition holds, and waits for each of them to come back. Returns their number. */
async function sendUntil(sender: TestClient, condition: () => boolean): Promise<number> {
  let sent = 0;
  while (!condition()) {
    for (let i = 0; i < 50; i += 1) sender.sendMessage({ message: LONG_TEXT });
    await sender.waitFor("/cooking", 50);
    sent += 50;
    if (sent > 20_000) throw new Error("80 MB later the slow consumer is still connected");
  }
  return sent;
}

function cuts({ logs }: RunningService): Record<string, unknown>[] {
  return logs.filter(({ msg }) => msg === "slow consumer cut");
}

test("a websocket client that never reads is disconnected while the others miss nothing", async () => {
  const service = await startService(NO_RATE_LIMITS);
  const sender = await TestClient.connect(service.url);
  const witness = await TestClient.connect(service.url);
  await connectStalledClient(service);
  const sent = await sendUntil(sender, () => cuts(service).length > 0);
  expect(await witness.waitFor("/cooking", sent)).toHaveLength(sent);
  expect(cuts(service)).toHaveLength(1);
});

test("MAX_PENDING_BYTES decides how much may wait for a client", async () => {
  const service = await startService({ ...NO_RATE_LIMITS, MAX_PENDING_BYTES: "100000" });
  const sender = await TestClient.connect(service.url);
  await connectStalledClient(service);
  await sendUntil(sender, () => cuts(service).length > 0);
  const { queuedBytes } = cuts(service)[0] as { queuedBytes: number };
  expect(queuedBytes).toBeGreaterThan(100_000);
  expect(queuedBytes).toBeLessThan(100_000 + 50 * (LONG_TEXT.length + 300));
});

test("a client on long polling that stops polling is disconnected, too", async () => {
  const service = await startService(NO_RATE_LIMITS);
  const sender = await TestClient.connect(service.url);
  const base = `${service.url}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(base)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  await fetch(`${base}&sid=${sid}`, { method: "POST", body: "40" });
  await sendUntil(sender, () => cuts(service).length > 0);
  const answer = await fetch(`${base}&sid=${sid}`);
  expect(answer.status).toBe(400); // the session is gone
});

test.each(CLIENTS)(
  "$name connects although the presence snapshot is larger than MAX_PENDING_BYTES",
  async ({ options }) => {
    const service = await startService({
      ...NO_RATE_LIMITS,
      PRESENCE_PER_SECOND: "0",
      MAX_PENDING_BYTES: "10000",
    });
    const avatar = "x".repeat(2_000);
    const present = await Promise.all(Array.from({ length: 8 }, () => TestClient.connect(service.url)));
    for (const client of present)
      await client.ask(EVENTS.newPresenceInformation, { username: "ana", avatar, currentRoom: COOKING });
    for (const auth of [{}, { presence: "diff" }]) {
      const newcomer = await TestClient.connect(service.url, { ...options, auth });
      newcomer.announcePresence();
      newcomer.sendMessage();
      await newcomer.waitFor("/cooking");
      newcomer.disconnect();
    }
    expect(cuts(service)).toEqual([]);
  },
);

test("the queues of disconnected clients are freed", async () => {
  const service = await startService({ ...NO_RATE_LIMITS, MAX_PENDING_BYTES: "1000000" });
  const sender = await TestClient.connect(service.url);
  const before = process.memoryUsage();
  const stalled = await Promise.all(Array.from({ length: 20 }, () => connectStalledClient(service)));
  await sendUntil(sender, () => cuts(service).length === stalled.length);
  const { arrayBuffers } = process.memoryUsage();
  expect(arrayBuffers - before.arrayBuffers).toBeLessThan(100e6);
});

test("a client that takes longer than 10 s for one write is disconnected, although it answers pings", async () => {
  const service = await startService({ ...NO_RATE_LIMITS, MAX_PENDING_BYTES: "1000000000" });
  const sender = await TestClient.connect(service.url);
  const stalled = await connectStalledClient(service);
  const pong = setInterval(() => stalled.send("3"), 500);
  afterThisTest(() => clearInterval(pong));
  let sent = 0;
  await sendUntil(sender, () => (sent += 50 * LONG_TEXT.length) > 20e6); // more than the system buffers
  await until("the stalled client was disconnected", () => cuts(service).length > 0, 15_000);
  expect(cuts(service)).toHaveLength(1);
});
