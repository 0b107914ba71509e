import { DISCONNECT } from "../support/abuse";
import { range } from "../support/numbers";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { startService } from "../support/service";
import { startStopwatch } from "../support/stopwatch";
import { StubbornWebSocket } from "../support/stubbornWebSocket";
import { until } from "../support/until";

/*
 * Clients that do not answer the server's close, or do not fetch it with a poll. They have 2 s for that.
 */

const CLOSED_WITHIN_MS = 3_000;
const CAP = 5;

test("sockets whose clients ignore the close count against MAX_CONNECTIONS until they are closed", async () => {
  const { url, port } = await startService({ MAX_CONNECTIONS: String(CAP) });
  let openSockets = 0;
  const connectAndLeave = async () => {
    const client = await StubbornWebSocket.open(port);
    if (client.status !== 101) return undefined;
    openSockets += 1;
    void client.tcp.ended.then(() => (openSockets -= 1));
    await client.connect();
    client.send(DISCONNECT);
    await client.closing();
    return client;
  };
  const [first] = await Promise.all(range(CAP).map(connectAndLeave));
  const isFirstClosed = first?.tcp.ended.then(() => true);
  expect(openSockets).toBe(CAP);
  expect([await RawWebSocket.statusOf(url), await RawPolling.statusOf(url)]).toEqual([503, 503]);
  await until("there is room again", async () => {
    const attempts = await Promise.all(range(CAP + 1).map(connectAndLeave));
    expect(openSockets).toBeLessThanOrEqual(CAP);
    return attempts.some((client) => client !== undefined);
  });
  expect(await isFirstClosed).toBe(true);
});

test("MAX_CONNECTIONS_PER_IP counts them, too", async () => {
  const { url, port } = await startService({ MAX_CONNECTIONS_PER_IP: "1" });
  const client = await (await StubbornWebSocket.open(port)).connect();
  client.send(DISCONNECT);
  await client.closing();
  expect([await RawWebSocket.statusOf(url), await RawPolling.statusOf(url)]).toEqual([503, 503]);
  await client.tcp.ended;
  await until("there is room again", async () => (await RawWebSocket.statusOf(url)) === 101);
});

test("a client that closes the websocket and keeps its TCP connection is closed within 2 s", async () => {
  const { url, port } = await startService({ MAX_CONNECTIONS: "1" });
  const client = await (await StubbornWebSocket.open(port)).connect();
  const elapsedMs = startStopwatch();
  client.tcp.socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0])); // a close frame
  await client.closing();
  expect(await RawWebSocket.statusOf(url)).toBe(503);
  await until("there is room again", async () => (await RawWebSocket.statusOf(url)) === 101);
  expect(elapsedMs()).toBeLessThan(CLOSED_WITHIN_MS);
});

test("a websocket that its session does not take is closed within 2 s", async () => {
  const { url, port } = await startService();
  const session = await RawPolling.connect(url);
  const query = `EIO=4&sid=${session.sid}`;
  await StubbornWebSocket.open(port, query);
  const second = await StubbornWebSocket.open(port, query);
  const elapsedMs = startStopwatch();
  await second.closing();
  await second.tcp.ended;
  expect(elapsedMs()).toBeLessThan(CLOSED_WITHIN_MS);
});

test("clients that send no CONNECT and ignore the close are gone after 12 s", async () => {
  const { url, port } = await startService();
  const elapsedMs = startStopwatch();
  const session = await RawPolling.open(url);
  const client = await StubbornWebSocket.open(port);
  await client.tcp.ended;
  // A poll would fetch the close and so end the session.
  await until("the session is gone", async () => (await session.post("3")) === 400);
  expect(elapsedMs()).toBeLessThan(10_000 + CLOSED_WITHIN_MS);
});
