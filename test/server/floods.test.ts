import { MAX_FRAME_BYTES } from "../../src/connections/socketServer";
import { MAX_STRIKES } from "../../src/connections/floodGuard";
import { EVENTS } from "../../src/protocol/events";
import {
  BURST,
  ENTER,
  HEARD,
  MESSAGE,
  REFUSED,
  SAY,
  logged,
  sessionIsGone,
  startWithCanaries,
  times,
} from "../support/abuse";
import { afterThisTest } from "../support/disposal";
import { manyKeys } from "../support/hostileValues";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { until } from "../support/until";
import { range } from "../support/numbers";

const METRICS_TOKEN = "x".repeat(16);

test("a polling request with four times the burst counts each of its messages", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url);
  const count = 4 * BURST;
  expect(await session.post(...range(count).map(() => SAY))).toBe(200);
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking", BURST);
  await canaries.check("the first hundred");
  const answers: string[] = [];
  while (answers.length < count + 1) answers.push(...(await session.poll()).packets);
  const refusals = answers.filter((packet) => packet.startsWith(REFUSED));
  expect(refusals).toHaveLength(count - BURST);
  const error = { message: "Too many requests", status: 429, errors: [] };
  expect(JSON.parse(refusals[0]?.slice(2) ?? "")).toEqual([EVENTS.serverError, { data: null, error }]);
});

test.each([
  ["pongs", "3"],
  ["acks of no event", "43[]"],
  ["unknown events", '42["x"]'],
  ["CONNECTs elsewhere", "40/x,"],
])("a polling request full of %s ends its session", async (name, packet) => {
  const service = await startWithCanaries();
  const { url, canaries } = service;
  const session = await RawPolling.connect(url);
  const count = Math.floor(MAX_FRAME_BYTES / (packet.length + 1));
  await session.post(...range(count).map(() => packet));
  await sessionIsGone(session);
  expect(logged(service, "flooding client closed")).toBe(1);
  await canaries.check(name);
});

test.each([
  ["pongs", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send("3")],
  ["Engine.IO 3 pings", "EIO=3", (socket: RawWebSocket) => socket.webSocket.send("2")],
  ["noops", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send("6")],
  ["websocket pings", "EIO=4", (socket: RawWebSocket) => socket.webSocket.ping("x".repeat(125))],
  ["websocket pongs", "EIO=4", (socket: RawWebSocket) => socket.webSocket.pong()],
  ["unknown events", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send('42["x"]')],
  ["CONNECTs elsewhere", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send("40/x,")],
])("a flood of %s is closed (%s)", async (name, query, send) => {
  const { url, canaries } = await startWithCanaries();
  const socket = await RawWebSocket.connect(url, { query });
  for (let sent = 0; sent < 5 * MAX_STRIKES; sent += 500) {
    socket.inOneWrite(() => times(500, () => send(socket)));
    await canaries.chat(name);
  }
  await socket.closed;
  await canaries.check(name);
});

test.each([
  ["on websocket", RawWebSocket],
  ["on polling", RawPolling],
])(
  "of a flood in one write, 550 events are refused at most, and the others dropped (%s)",
  async (_name, Client) => {
    const service = await startWithCanaries({ METRICS_TOKEN });
    const { url, canaries } = service;
    const client = await Client.connect(url);
    const packets = range(800).map(() => `421["${"x".repeat(64)}"]`);
    if (client instanceof RawPolling) await client.post(...packets);
    else client.send(...packets);
    await until("it is closed", () => logged(service, "flooding client closed") === 1);
    await canaries.chat("events");
    const refusals = /^chat_events_refused_total.*"Event is not known".* (\d+)$/m;
    const scrape = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
    expect(refusals.exec(await scrape.text())?.[1]).toBe(String(MAX_STRIKES / 3));
  },
);

test.each(["EIO=4", "EIO=3"])("a flood of JSON with thousands of keys is closed (%s)", async (query) => {
  const { url, canaries } = await startWithCanaries();
  const socket = await RawWebSocket.connect(url, { query });
  const event = JSON.stringify([EVENTS.newMessage, manyKeys(5_000)]);
  for (let sent = 0; sent < 20; sent += 1) {
    socket.send(`421${event}`);
    await canaries.chat("keys");
  }
  await socket.closed;
  expect(socket.count("431[")).toBeGreaterThan(0);
  expect(socket.count("431[")).toBeLessThan(4);
});

test("a burst of the longest messages is no flood, also when each character is escaped", async () => {
  const { url } = await startWithCanaries();
  const sender = await RawWebSocket.connect(url);
  const message = { ...(JSON.parse(MESSAGE) as object), message: "#".repeat(4_000) };
  const event = JSON.stringify([EVENTS.newMessage, message]).replaceAll("#", "\\u002c");
  sender.send(...range(BURST).map((id) => `42${String(1_000 + id)}${event}`));
  expect(await sender.waitFor(`43${String(1_000 + BURST - 1)}[`)).toContain('"error":null');
});

test("a flood of upgrade probes is closed", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url);
  const probe = await RawWebSocket.open(url, { query: `EIO=4&sid=${session.sid}` });
  for (let sent = 0; sent < 5 * MAX_STRIKES; sent += 1_000) {
    probe.send(...range(1_000).map(() => "2probe"));
    await canaries.chat("probes");
  }
  await probe.closed;
  expect(probe.count("3probe")).toBeLessThan(MAX_STRIKES + 1);
  await canaries.check("after the probes");
});

test("10,000 messages a second: a burst is delivered, the rest is refused, then the client is disconnected", async () => {
  const service = await startWithCanaries();
  const { url, canaries } = service;
  const flooder = await RawWebSocket.connect(url);
  const flood = setInterval(() => flooder.send(...range(100).map(() => SAY)), 10);
  afterThisTest(() => clearInterval(flood));
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking", BURST);
  await canaries.check("during the flood");
  await flooder.closed;
  clearInterval(flood);
  expect(flooder.count(HEARD)).toBeGreaterThanOrEqual(BURST);
  const error = { message: "Too many requests", status: 429, errors: [] };
  const refusal = await flooder.waitFor(REFUSED);
  expect(JSON.parse(refusal.slice(2))).toEqual([EVENTS.serverError, { data: null, error }]);
  expect(logged(service, "flooding client closed")).toBe(1);
  expect(logged(service, "event refused")).toBeLessThan(200);
  await canaries.check("after the flood");
});

test("presence is limited on its own, to a burst of 20", async () => {
  const { url, canaries } = await startWithCanaries();
  const restless = await RawWebSocket.connect(url);
  restless.send(...range(30).map((index) => ENTER.replace("42", `42${String(index)}`)));
  const answers = () => restless.frames.filter((frame) => /^43\d+\[/.test(frame));
  await until("all are answered", () => answers().length === 30);
  expect(answers().filter((answer) => answer.includes('"error":null'))).toHaveLength(20);
  expect(answers().filter((answer) => answer.includes('"status":429'))).toHaveLength(10);
  for (const canary of [canaries.a, canaries.b])
    expect(await canary.waitFor(EVENTS.presenceInformation)).toHaveLength(1);
  restless.webSocket.terminate();
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor(EVENTS.presenceInformation);
  await canaries.check("after the burst");
});
