import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveInTurns } from "../../src/http/requestTurns";
import { Canaries } from "../support/canaries";
import { afterThisTest } from "../support/disposal";
import { range } from "../support/numbers";
import { exchange, RawTcp } from "../support/rawTcp";
import { ServiceProcess } from "../support/serviceProcess";
import { until } from "../support/until";

const HEADERS = "HTTP/1.1\r\nHost: localhost\r\n";
const MIB = 1024 ** 2;

/** A server of this test's own, whose requests are served in turns. */
async function startServer(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  serveInTurns(server, 0);
  server.listen(0);
  afterThisTest(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("requests in one write are answered in their order", async () => {
  const port = await startServer((req, res) => void setImmediate(() => res.end(`${String(req.url)};`)));
  const paths = range(50).map((number) => `/${String(number)}`);
  const last = `GET /last ${HEADERS}Connection: close\r\n\r\n`;
  const answer = await exchange(port, paths.map((path) => `GET ${path} ${HEADERS}\r\n`).join("") + last);
  expect(answer.body.match(/\/\w+;/g)).toEqual([...paths, "/last"].map((path) => `${path};`));
});

test("of requests in one write, few are started per turn of the event loop", async () => {
  let started = 0;
  let mostPerTurn = 0;
  const port = await startServer((_req, res) => {
    if (started === 0) setImmediate(() => (started = 0));
    started += 1;
    mostPerTurn = Math.max(mostPerTurn, started);
    res.end("served");
  });
  const last = `GET /last ${HEADERS}Connection: close\r\n\r\n`;
  await exchange(port, `GET / ${HEADERS}\r\n`.repeat(60) + last);
  expect(mostPerTurn).toBeLessThanOrEqual(32);
});

test("a connection with more than 64 unanswered requests is closed", async () => {
  let served = 0;
  const port = await startServer(() => (served += 1));
  const honest = await RawTcp.open(port, `GET / ${HEADERS}\r\n`.repeat(64));
  await until("they are served", () => served === 64);
  const tcp = await RawTcp.open(port, `GET / ${HEADERS}\r\n`.repeat(65));
  await tcp.cutOff(5_000);
  expect(honest.socket.closed).toBe(false);
  expect(served).toBeLessThanOrEqual(128);
});

test("a body in chunks is refused, because each of its bytes can cost as much as a packet", async () => {
  let isServed = false;
  const port = await startServer(() => (isServed = true));
  const head = `POST / ${HEADERS}Transfer-Encoding: chunked\r\n\r\n`;
  const answer = await exchange(port, `${head}${"1\r\nx\r\n".repeat(9_000)}0\r\n\r\n`);
  expect([answer.status, isServed]).toEqual([400, false]);
  expect(JSON.parse(answer.body)).toMatchObject({ data: null, error: { status: 400 } });
});

test("a client that ends its side with its request gets the answer", async () => {
  const port = await startServer((_req, res) => res.end("served"));
  const tcp = await RawTcp.open(port);
  tcp.socket.end(`GET / ${HEADERS}\r\n`);
  expect(await tcp.ended).toContain("served");
});

test("the requests of many connections hold no one up", async () => {
  const { url, port } = await ServiceProcess.start();
  const canaries = await Canaries.start(url);
  const flood = await Promise.all(range(50).map(() => RawTcp.open(port)));
  for (const { socket } of flood) socket.write(`GET /rooms ${HEADERS}\r\n`.repeat(60));
  await until("requests are served", () => flood.some(({ received }) => received !== ""));
  await canaries.chat("while requests wait");
});

test("the many requests of an address do not go before the first of another", async () => {
  let served = 0;
  const port = await startServer((_req, res) => {
    served += 1;
    res.end("served");
  });
  const crowd = await Promise.all(range(100).map(() => RawTcp.open(port)));
  const other = await RawTcp.open(port, "", "127.0.0.2");
  for (const { socket } of crowd) socket.write(`GET / ${HEADERS}\r\n`.repeat(60));
  await until("the crowd is served", () => served > 200);
  other.socket.write(`GET / ${HEADERS}Connection: close\r\n\r\n`);
  await other.ended;
  expect(served).toBeLessThan(5_000); // of 6,000
});

test("a body that no one reads stays with its client until the answer", async () => {
  let unread: { req: IncomingMessage; res: ServerResponse } | undefined;
  const port = await startServer((req, res) => {
    if (req.method === "GET") res.end("served");
    else unread = { req, res };
  });
  const tcp = await RawTcp.open(port);
  tcp.socket.write(`POST / ${HEADERS}Connection: close\r\nContent-Length: ${String(16 * MIB)}\r\n\r\n`);
  tcp.socket.write(Buffer.alloc(16 * MIB));
  await until("the request is served", () => unread !== undefined);
  for (let i = 0; i < 50; i += 1) await (await fetch(`http://localhost:${String(port)}`)).text();
  expect(unread?.req.readableLength).toBeLessThan(MIB / 16);
  unread?.res.end("not read");
  expect(await tcp.ended).toContain("not read");
});

test("a body that is read arrives complete, whatever its size", async () => {
  const port = await startServer((req, res) => {
    let bytes = 0;
    req.on("data", (chunk: Buffer) => (bytes += chunk.length));
    req.on("end", () => res.end(String(bytes)));
  });
  for (const size of [1, 1_000, 16_384, 65_536, 5 * MIB]) {
    const answer = await fetch(`http://localhost:${String(port)}`, {
      method: "POST",
      body: Buffer.alloc(size),
    });
    expect(await answer.text()).toBe(String(size));
  }
});

test("an answer that is not read ends after 10 s, although the client sends on; one read slowly does not", async () => {
  const port = await startServer((_req, res) => res.end(Buffer.alloc(9 * MIB)));
  const unread = await RawTcp.open(port, `GET / ${HEADERS}\r\n`);
  unread.socket.pause();
  unread.drip("\r\n", 500); // and so notices that it is disconnected
  const slow = await RawTcp.open(port, `GET / ${HEADERS}Connection: close\r\n\r\n`);
  slow.socket.on("data", () => {
    slow.socket.pause();
    setTimeout(() => slow.socket.resume(), 120); // 64 KB each time: 18 s for all
  });
  const start = performance.now();
  await unread.cutOff(22_000);
  expect(performance.now() - start).toBeGreaterThan(9_500);
  expect((await slow.ended).length).toBeGreaterThan(9 * MIB);
}, 45_000);

test("an answer to a client that has left leaves no timer behind", async () => {
  let answer: (() => void) | undefined;
  let hasLeft = false;
  const port = await startServer((_req, res) => {
    res.once("close", () => (hasLeft = true));
    answer = () => res.end("late");
  });
  const tcp = await RawTcp.open(port, `GET / ${HEADERS}\r\n`);
  await until("the request is served", () => answer !== undefined);
  tcp.socket.destroy();
  await until("the server knows that the client has left", () => hasLeft);
  const intervals = jest.spyOn(globalThis, "setInterval");
  answer?.();
  expect(intervals).not.toHaveBeenCalled();
  intervals.mockRestore();
});
