import { RawPolling } from "../support/rawPolling";
import { RawTcp } from "../support/rawTcp";
import { RawWebSocket } from "../support/rawWebSocket";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";
import { range } from "../support/numbers";

/** Returns the statuses of a polling and a websocket handshake. Sessions that open are closed again. */
async function statuses(url: string, headers: Record<string, string> = {}): Promise<number[]> {
  return [await RawPolling.statusOf(url, { headers }), await RawWebSocket.statusOf(url, { headers })];
}

const FULL = [503, 503];

test("MAX_CONNECTIONS holds for polling and websocket, and a closed connection makes room", async () => {
  const { url } = await startService({ MAX_CONNECTIONS: "3" });
  const first = await RawWebSocket.connect(url);
  await RawPolling.connect(url);
  const third = await TestClient.connect(url);
  expect(await statuses(url)).toEqual(FULL);
  const refused = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
  const error = { message: "Too many connections", status: 503, errors: [] };
  expect(await refused.json()).toEqual({ data: null, error });
  first.webSocket.terminate();
  await until("there is room again", async () => (await RawWebSocket.statusOf(url)) === 101);
  third.sendMessage();
  expect(await third.waitFor("/cooking")).toHaveLength(1);
});

// Engine.IO takes the last of repeated parameters, and opens a session where it is empty.
const EMPTY_SIDS = ["sid=", "sid", "&sid", "sid=&sid=", "sid&sid", "sid=unknown&sid=", "%73id=", "s%69d"];

/** Returns the statuses of a polling and a websocket handshake with this query. */
async function statusesOf(url: string, query: string): Promise<number[]> {
  const polling = await fetch(`${url}/socket.io/?EIO=4&transport=polling&${query}`);
  RawPolling.adopt(url, await polling.text());
  return [polling.status, await RawWebSocket.statusOf(url, { query: `EIO=4&${query}` })];
}

test.each(EMPTY_SIDS)("a handshake with the query %s is counted", async (query) => {
  const { url } = await startService({ MAX_CONNECTIONS: "2" });
  expect(await statusesOf(url, query)).toEqual([200, 101]);
  const { webSocket } = await RawWebSocket.open(url, { query: `EIO=4&${query}` });
  expect(await statuses(url)).toEqual(FULL);
  expect(await statusesOf(url, query)).toEqual(FULL);
  webSocket.terminate();
  await until("there is room again", async () => (await RawWebSocket.statusOf(url)) === 101);
});

test("handshakes with an empty sid are refused while the service drains", async () => {
  const { app, url } = await startService();
  await RawPolling.connect(url); // the drain waits for its poll
  const stopped = app.stop();
  for (const query of EMPTY_SIDS) expect(await statusesOf(url, query)).toEqual([503, 503]);
  await stopped;
});

test("MAX_CONNECTIONS_PER_IP cannot be evaded with X-Forwarded-For", async () => {
  const { url } = await startService({ MAX_CONNECTIONS_PER_IP: "2" });
  await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1" } });
  await RawPolling.connect(url, { headers: { "X-Forwarded-For": "192.0.2.2" } });
  for (const forwarded of ["192.0.2.3", "192.0.2.3, 192.0.2.4", "127.0.0.1", "x", ""])
    expect(await statuses(url, { "X-Forwarded-For": forwarded })).toEqual(FULL);
});

test("behind one proxy the right-most address counts, and nothing left of it", async () => {
  const { url } = await startService({ MAX_CONNECTIONS_PER_IP: "1", TRUST_PROXY: "1" });
  await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1" } });
  for (const spoofed of ["192.0.2.9, 192.0.2.1", "192.0.2.9,192.0.2.8,192.0.2.1", " , 192.0.2.1 "])
    expect(await statuses(url, { "X-Forwarded-For": spoofed })).toEqual(FULL);
  await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 192.0.2.2" } });
  await RawPolling.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 192.0.2.3" } });
  expect(await statuses(url, { "X-Forwarded-For": "192.0.2.3" })).toEqual(FULL);
});

test("behind two proxies the second address from the right counts", async () => {
  const { url } = await startService({ MAX_CONNECTIONS_PER_IP: "1", TRUST_PROXY: "2" });
  await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 10.0.0.1" } });
  expect(await statuses(url, { "X-Forwarded-For": "192.0.2.9, 192.0.2.1, 10.0.0.2" })).toEqual(FULL);
  await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 192.0.2.2, 10.0.0.1" } });
});

test("handshakes that arrive together cannot exceed the cap", async () => {
  const { url } = await startService({ MAX_CONNECTIONS: "5" });
  const answers = await Promise.all(range(30).map(() => RawPolling.statusOf(url)));
  expect(answers.filter((status) => status === 200)).toHaveLength(5);
});

test("handshakes that arrive in one write cannot exceed the cap", async () => {
  const { url, port } = await startService({ MAX_CONNECTIONS: "5" });
  const handshake = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n";
  const last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const tcp = await RawTcp.open(port, `${handshake}\r\n`.repeat(30) + last);
  const letIn = (await tcp.ended).match(/0\{"sid":"[^"]+"/g) ?? [];
  for (const answer of letIn) RawPolling.adopt(url, answer);
  expect(letIn).toHaveLength(5);
});
