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
  serveInTurns(server, { idleTimeoutMs: 60_000, trustProxy: 0 });
  server.listen(0);
  afterThisTest(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("requests in one write are answered in their order, each after the one before it", async () => {
  const events: string[] = [];
  const port = await startServer((req, res) => {
    events.push(`${String(req.url)} begins`);
    setImmediate(() => {
      events.push(`${String(req.url)} is answered`);
      res.end(`${String(req.url)};`);
    });
  });
  const paths = range(100).map((number) => `/${String(number)}`);
  const last = `GET /last ${HEADERS}Connection: close\r\n\r\n`;
  const answer = await exchange(port, paths.map((path) => `GET ${path} ${HEADERS}\r\n`).join("") + last);
  expect(answer.body.match(/\/\w+;/g)).toEqual([...paths, "/last"].map((path) => `${path};`));
  expect(events).toEqual([...paths, "/last"].flatMap((path) => [`${path} begins`, `${path} is answered`]));
});

test.each([
  ["an unknown expectation", `GET / ${HEADERS}Expect: tea\r\n\r\n`, 417],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
])("requests with %s in one write end with the first one's answer", async (_name, request, status) => {
  const port = await startServer((_req, res) => res.end("served"));
  const tcp = await RawTcp.open(port, request.repeat(1_000));
  expect((await tcp.ended).match(/(?<=HTTP\/1.1 )\d+/g)).toEqual([String(status)]);
  expect((await fetch(`http://localhost:${String(port)}`)).status).toBe(200);
});

test("a client that ends its side with its last request gets every answer", async () => {
  const port = await startServer((_req, res) => void setTimeout(() => res.end("served"), 10));
  const tcp = await RawTcp.open(port);
  tcp.socket.end(`GET / ${HEADERS}\r\n`.repeat(20));
  expect((await tcp.ended).match(/served/g)).toHaveLength(20);
});

test("a request whose client ends its side and waits is dropped", async () => {
  let isDropped = false;
  const port = await startServer((_req, res) => void res.once("close", () => (isDropped = true)));
  const tcp = await RawTcp.open(port);
  tcp.socket.end(`GET / ${HEADERS}\r\n`);
  await tcp.ended;
  await until("the request is dropped", () => isDropped);
});

test("thousands of requests in one write hold no one up", async () => {
  const { url, port } = await ServiceProcess.start();
  const canaries = await Canaries.start(url);
  const flood = await Promise.all(range(10).map(() => RawTcp.open(port)));
  for (const { socket } of flood) socket.write(`GET /rooms ${HEADERS}\r\n`.repeat(2_000));
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
  for (const { socket } of crowd) socket.write(`GET / ${HEADERS}\r\n`.repeat(100));
  await until("the crowd is served", () => served > 200);
  other.socket.write(`GET / ${HEADERS}Connection: close\r\n\r\n`);
  await other.ended;
  expect(served).toBeLessThan(5_000); // of 10,000
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

test("a body in tiny chunks is read in many turns of the event loop", async () => {
  let chunks = 0;
  let mostPerTurn = 0;
  const port = await startServer((req, res) => {
    const endTurn = () => {
      mostPerTurn = Math.max(mostPerTurn, chunks);
      chunks = 0;
      if (!res.writableEnded) setImmediate(endTurn);
    };
    req.on("data", () => (chunks += 1));
    req.on("end", () => res.end("read"));
    endTurn();
  });
  const body = "1\r\nx\r\n".repeat(9_000);
  const head = `POST / ${HEADERS}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
  expect((await exchange(port, `${head}${body}0\r\n\r\n`)).status).toBe(200);
  expect(mostPerTurn).toBeLessThan(1_000);
});

test("an answer that is not read ends after 10 s, although the client sends on; one read slowly does not", async () => {
  const port = await startServer((_req, res) => res.end(Buffer.alloc(9 * MIB)));
  const unread = await RawTcp.open(port, `GET / ${HEADERS}\r\n`);
  unread.socket.pause();
  unread.drip("x", 500); // and so notices that it is disconnected
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
