import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterThisTest } from "../support/disposal";
import { startStopwatch } from "../support/stopwatch";
import { createBacking, fillRooms, LONGEST_TEXT, startScene, watch, type Attack } from "./scene";

const SIZES = { full: { durationMs: 20_000 }, small: { durationMs: 4_000 } };
const MESSAGES = 200; // one page
const BURST = 50;
const PER_SECOND = 10;
const PIPELINED = 20; // requests on the connection that must be cut
const CUT_WITHIN_MS = 13_000; // the service's 10 s, its sweep, and the tests' own delay
const KERNEL_BYTES = 5e6; // more than the kernel holds for one connection whose client does not read
const MAX_GROWTH_BYTES = 100e6;
const MAX_CANARY_MS = 300;
const HONEST_READS_WITHIN_MS = 1_000;
const PAGE = "GET /rooms/cooking/messages?limit=200 HTTP/1.1\r\nHost: a\r\n\r\n";
/** Each address has a rate limit of its own. */
const [PIPELINING_ADDRESS, UNREAD_ADDRESS] = ["127.0.0.2", "127.0.0.3"];

/** Requests of 60 bytes for the longest pages: many in one write, and many whose answers are not read. */
export const history: Attack = {
  name: "history",
  stores: ["embedded", "redis"],
  async run({ store, size, outcome }) {
    const backing = await createBacking(store);
    await fillRooms(backing, MESSAGES, LONGEST_TEXT);
    const scene = await startScene(backing);
    const limits = { canaryMs: MAX_CANARY_MS, serverGrowthBytes: MAX_GROWTH_BYTES };
    await watch(scene, outcome, limits, async (canary) => {
      const reader = await openSocket(scene.port, PIPELINING_ADDRESS);
      reader.write(PAGE.repeat(BURST));
      await pause(2_000);
      reader.destroy();
      await canary.addTo(outcome, MAX_CANARY_MS);
      const sockets = await requestUnread(scene.port, SIZES[size].durationMs);
      const honestMs = await readMs(scene.service.url);
      outcome.atMost("until an honest client has read a page", honestMs, HONEST_READS_WITHIN_MS, "ms");
      const [pipelining] = sockets;
      if (pipelining === undefined) return;
      await pause(CUT_WITHIN_MS - SIZES[size].durationMs);
      const heldBytes = await drain(pipelining);
      outcome.atMost("unread bytes of one connection after 13 s", heldBytes, KERNEL_BYTES, "MB");
      for (const socket of sockets) socket.destroy();
    });
  },
};

/** Sends requests at the limit of one address and reads no answer. The first connection sends several at once. */
async function requestUnread(port: number, durationMs: number): Promise<Socket[]> {
  const start = performance.now();
  const sockets: Socket[] = [];
  const request = async (times: number) => {
    const socket = await openSocket(port, UNREAD_ADDRESS);
    socket.pause();
    socket.write(PAGE.repeat(times));
    sockets.push(socket);
  };
  await request(PIPELINED);
  for (let sent = PIPELINED; sent < BURST; sent += 1) await request(1);
  while (performance.now() - start < durationMs) {
    await pause(1_000 / PER_SECOND);
    await request(1);
  }
  return sockets;
}

/** Resolves with the time of one request from another address; Infinity when it is refused. */
async function readMs(url: string): Promise<number> {
  const elapsedMs = startStopwatch();
  const answer = await fetch(`${url}/rooms/cooking/messages?limit=1`);
  await answer.text();
  return answer.status === 200 ? elapsedMs() : Infinity;
}

async function openSocket(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => undefined); // the server may cut it
  socket.resume();
  afterThisTest(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Reads until the server closes the connection or sends nothing more. Resolves with the number of bytes. */
async function drain(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
  socket.resume();
  for (let before = -1; before !== bytes && !socket.destroyed;) {
    before = bytes;
    await pause(500);
  }
  return bytes;
}
