import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ChatSocket } from "../../src/connections/engine";
import { guardHandshake } from "../../src/connections/handshake";
import { createSocketServer } from "../../src/connections/socketServer";
import { ClientEventLog, createLogger } from "../../src/observability/logger";
import { Metrics } from "../../src/observability/metrics";
import { Rooms } from "../../src/protocol/rooms";
import { afterThisTest } from "../support/disposal";
import { range } from "../support/numbers";
import { COOKING, PETS } from "../support/rooms";
import { TestClient } from "../support/testClient";

/** A socket server with the handshake alone. Resolves with its URL and the socket of the first client. */
async function start(): Promise<{ url: string; socket: Promise<ChatSocket> }> {
  const server = createServer();
  const io = createSocketServer(server);
  afterThisTest(() => io.close());
  const log = new ClientEventLog(createLogger("silent"));
  const rooms = new Rooms([COOKING, PETS]);
  guardHandshake(io, { authenticator: undefined, rooms, log, metrics: new Metrics() });
  const socket = new Promise<ChatSocket>((resolve) => io.once("connection", resolve));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, socket };
}

async function accepted(auth: Record<string, unknown>): Promise<ChatSocket> {
  const { url, socket } = await start();
  await TestClient.connect(url, { auth });
  return socket;
}

test("an accepted socket keeps what the client opted in to, and no other part of its auth", async () => {
  const pid = Array<unknown>(20_000).fill([]); // 60 KB of JSON, 700 KB of heap
  const { data, handshake } = await accepted({ pid, offset: "x", typing: true, presence: "diff" });
  expect(data.optIns).toEqual({ typing: true, presence: "diff", resume: undefined });
  expect(handshake.auth).toEqual({});
});

test("of the offsets it keeps those of the server's rooms", async () => {
  const unknown = Object.fromEntries(range(900).map((index) => [`/${String(index)}`, "x".repeat(40)]));
  const resume = { ...unknown, [COOKING.name]: "offset", [PETS.name]: null };
  const { data } = await accepted({ resume });
  expect(data.optIns.resume).toEqual(new Map([[COOKING.name, "offset"], [PETS.name, null]])); // prettier-ignore
});

test.each(["constructor", "__proto__", "toString"])(
  "a room named %s has no offset by itself",
  async (name) => {
    const { data } = await accepted({ resume: JSON.parse(`{"${name}":"x"}`) as unknown });
    expect(data.optIns.resume).toEqual(new Map());
  },
);
