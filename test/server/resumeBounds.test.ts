import { Agent } from "node:http";
import type { PageRequest } from "../../src/messageLog/messageLog";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { RedisMessageLog } from "../../src/messageLog/redis/redisMessageLog";
import { EVENTS } from "../../src/protocol/events";
import { describeWithBinary } from "../support/binaries";
import { connectResuming, resumedRooms, sendAcked, sendNumbered, texts } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { numbers, range } from "../support/numbers";
import { RawClient } from "../support/rawClient";
import { RawPolling } from "../support/rawPolling";
import { sharedRedis } from "../support/redisServer";
import { PETS } from "../support/rooms";
import { startService, type RunningService } from "../support/service";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

const LONGEST = "\u0001".repeat(4_000); // 24 KB of JSON
const MAX_PAGE_BYTES = 64 * 1024;

type Log = typeof EmbeddedMessageLog | typeof RedisMessageLog;

interface ReadPage extends PageRequest {
  room: string;
  bytes: number;
  error?: unknown;
}

async function start(env: Record<string, string> = {}): Promise<RunningService & { sender: TestClient }> {
  const service = await startService({ ...NO_RATE_LIMITS, ...env });
  return { ...service, sender: await TestClient.connect(service.url) };
}

/** Starts the service on a log that holds what `fill` sends, with no message in memory. */
async function startFilled<Result>(
  fill: (sender: TestClient) => Promise<Result>,
  env: Record<string, string> = {},
): Promise<{ service: RunningService & { sender: TestClient }; filled: Result }> {
  const settings = { DATA_DIR: temporaryDirectory(), ...env };
  const { app, sender } = await start(settings);
  const filled = await fill(sender);
  await app.stop();
  return { service: await start(settings), filled };
}

/** Records every read of the log. `before` is awaited before each read, `change` may change its page. */
function watchReads(
  log: Log,
  {
    before,
    change,
  }: { before?: (request: PageRequest) => Promise<void>; change?: (jsons: string[]) => string[] } = {},
): ReadPage[] {
  const reads: ReadPage[] = [];
  const { read } = log.prototype;
  const spy = jest.spyOn(log.prototype as EmbeddedMessageLog, "read").mockImplementation(async function (
    this: EmbeddedMessageLog,
    room,
    request,
  ) {
    const entry: ReadPage = { room, bytes: 0, ...request };
    reads.push(entry);
    try {
      await before?.(request);
      const page = await (read as EmbeddedMessageLog["read"]).call(this, room, request);
      const kept = change?.(page.messages.map(({ json }) => json));
      const messages = page.messages.filter(({ json }) => kept?.includes(json) ?? true);
      entry.bytes = page.messages.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
      return { ...page, messages };
    } catch (error) {
      entry.error = error;
      throw error;
    }
  });
  afterThisTest(() => spy.mockRestore());
  return reads;
}

/** Connects from another address, any of 127.0.0.0/8. */
function connectFrom(localAddress: string, port: number, resume: object): Promise<TestClient> {
  const agent = new Agent({ localAddress });
  afterThisTest(() => agent.destroy());
  return connectResuming(`http://127.0.0.1:${String(port)}`, resume, { agent });
}

test("a client that does not read costs two small pages, and receives everything when it reads again", async () => {
  const { service, filled: offsets } = await startFilled((sender) =>
    sendNumbered(sender, 41, { message: LONGEST }),
  );
  const reads = watchReads(EmbeddedMessageLog);
  const session = await RawPolling.open(service.url);
  await session.post(`40${JSON.stringify({ resume: { "/cooking": offsets[0] } })}`);
  await until("a page was read", () => reads.length > 0);
  for (const message of numbers(20)) await sendAcked(service.sender, { message, chatRoom: PETS });
  expect(reads.length).toBeLessThanOrEqual(2);
  expect(Math.max(...reads.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MAX_PAGE_BYTES);

  const packets: string[] = [];
  while (!packets.some((packet) => packet.startsWith('42["resumed"')))
    packets.push(...(await session.poll()).packets);
  expect(packets.filter((packet) => packet.startsWith('42["/cooking"'))).toHaveLength(40);
});

test("clients that resume at the same time share the pages, also from different offsets", async () => {
  const { service, filled: offsets } = await startFilled((sender) => sendNumbered(sender, 900));
  const reads = watchReads(EmbeddedMessageLog);
  const clients = await Promise.all(
    range(40).map((index) => connectResuming(service.url, { "/cooking": offsets[index] })),
  );
  for (const [index, client] of clients.entries())
    expect((await resumedRooms(client))["/cooking"]).toMatchObject({
      recovered: true,
      replayed: 899 - index,
    });
  expect(reads.length).toBeLessThanOrEqual(40 + 5); // the first page of each client, and the pages that follow
});

test("a client's replay waits for one page of an address with many replays, not for all", async () => {
  const { service, filled: offsets } = await startFilled((sender) => sendNumbered(sender, 60));
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const reads = watchReads(EmbeddedMessageLog, { before: () => gate });
  const crowd = await Promise.all(
    range(50).map((index) => connectFrom("127.0.0.2", service.port, { "/cooking": offsets[index] })),
  );
  const other = await connectFrom("127.0.0.3", service.port, { "/cooking": offsets[55] });
  expect(reads).toHaveLength(4);
  open();
  await resumedRooms(other);
  for (const client of crowd) await resumedRooms(client);
  expect(reads.findIndex(({ after }) => after === offsets[55])).toBeLessThan(8);
});

test("a replay whose client has left while it waited reads nothing", async () => {
  const { service, filled: offsets } = await startFilled((sender) => sendNumbered(sender, 20));
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const reads = watchReads(EmbeddedMessageLog, { before: () => gate });
  const clients: TestClient[] = [];
  for (const index of range(10))
    clients.push(await connectResuming(service.url, { "/cooking": offsets[index] }));
  for (const client of clients.slice(4)) client.disconnect();
  await until("six have left", () => service.logs.filter(({ msg }) => msg === "disconnected").length === 6);
  open();
  for (const client of clients.slice(0, 4)) await resumedRooms(client);
  const last = await connectResuming(service.url, { "/cooking": offsets[15] });
  await resumedRooms(last);
  expect(reads.map(({ after }) => after)).toEqual([0, 1, 2, 3, 15].map((index) => offsets[index]));
});

describe("messages that are missing from the log", () => {
  const without = (text: string) => (jsons: string[]) =>
    jsons.filter((json) => (JSON.parse(json) as { message: string }).message !== text);

  test("in the first page: the room is not recovered, and nothing of it is replayed", async () => {
    const { service, filled: offsets } = await startFilled((sender) => sendNumbered(sender, 10));
    watchReads(EmbeddedMessageLog, { change: without("5") });
    const client = await connectResuming(service.url, { "/cooking": offsets[2] });
    expect((await resumedRooms(client))["/cooking"]).toEqual({
      recovered: false,
      replayed: 0,
      offset: offsets[9],
    });
    expect(client.queuedEvents()).toEqual([]);
  });

  test("at the end: the room is not recovered", async () => {
    const { service, filled: offsets } = await startFilled((sender) => sendNumbered(sender, 10));
    watchReads(EmbeddedMessageLog, { change: without("9") });
    const client = await connectResuming(service.url, { "/cooking": offsets[8] });
    expect((await resumedRooms(client))["/cooking"]).toMatchObject({ recovered: false, replayed: 0 });
  });

  test("in a later page: the connection closes, and no message after the gap was sent", async () => {
    const { service, filled: offsets } = await startFilled((sender) => sendNumbered(sender, 500));
    watchReads(EmbeddedMessageLog, { change: without("450") });
    const client = await connectResuming(service.url, { "/cooking": offsets[0] });
    await client.disconnected();
    const received = texts(await client.waitForArguments("/cooking"));
    expect(received).toEqual(["1"]);
    expect(client.queuedEvents()).toEqual(["/cooking"]);
    expect(client.queued("/cooking").length).toBeLessThan(449);
    expect(service.logs.map(({ msg }) => msg)).toContain("replay stopped: messages are missing");
  });
});

test("REPLAY_ON_CONNECT reads the longest messages in small pages, too", async () => {
  const { service } = await startFilled(
    async (sender) => {
      for (const text of numbers(30)) await sendAcked(sender, { message: `${text} ${LONGEST.slice(9)}` });
    },
    { REPLAY_ON_CONNECT: "25" },
  );
  const reads = watchReads(EmbeddedMessageLog);
  const client = await TestClient.connect(service.url);
  const received = texts(await client.waitForArguments("/cooking", 25));
  expect(received.map((text) => text.split(" ")[0])).toEqual(numbers(25, 5));
  await sendAcked(service.sender, { message: "live" });
  expect(texts(await client.waitForArguments("/cooking"))).toEqual(["live"]);
  expect(client.queuedEvents()).toEqual([]);
  expect(Math.max(...reads.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MAX_PAGE_BYTES);
});

describeWithBinary("redis-server", "with Redis", () => {
  const redis = sharedRedis();

  test("a page that cannot be read at first is read again, and the client stays connected", async () => {
    const { url, sender, logs } = await start({ REDIS_URL: redis().url });
    const offsets = await sendNumbered(sender, 5);
    const reads = watchReads(RedisMessageLog);
    redis().freeze();
    const client = await RawClient.connect(url, { resume: { "/cooking": offsets[1] } });
    await until("a read has failed", () => reads.some(({ error }) => error !== undefined));
    redis().thaw();
    await until("resumed", () => client.received(EVENTS.resumed).length > 0);
    expect(client.received("/cooking")).toHaveLength(3);
    expect(logs.map(({ msg }) => msg)).not.toContain("replay failed");
  });

  test("a storm of clients that resume is recovered, with few reads and no client thrown out", async () => {
    const { url, sender, logs } = await start({ REDIS_URL: redis().url });
    const ofCooking = await sendNumbered(sender, 700);
    const ofPets = await sendNumbered(sender, 700, { chatRoom: PETS });
    const reads = watchReads(RedisMessageLog);
    const clients = await Promise.all(
      range(60).map((index) =>
        RawClient.open(url, { resume: { "/cooking": ofCooking[index % 20], "/pets": ofPets[index % 20] } }),
      ),
    );
    await until("all are resumed", () => clients.every((client) => client.frames.some((frame) => frame.startsWith('2["resumed"')))); // prettier-ignore
    for (const [index, client] of clients.entries()) {
      const [[envelope]] = client.received(EVENTS.resumed) as [[{ data: { rooms: Record<string, object> } }]];
      const outcome = { recovered: true, replayed: 699 - (index % 20) };
      expect(envelope.data.rooms).toMatchObject({ "/cooking": outcome, "/pets": outcome });
    }
    expect(reads.length).toBeLessThanOrEqual(2 * (20 + 4));
    expect(logs.map(({ msg }) => msg)).not.toContain("disconnected");
  });
});
