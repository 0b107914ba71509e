import { createServer } from "node:net";
import type { ErrorEnvelope } from "../../src/protocol/refusals";
import { redisRounds } from "../crash/redisRounds";
import { EVENTS, type DataEnvelope, type PresenceInformation } from "../../src/protocol/events";
import { describeWithBinary } from "../support/binaries";
import {
  ask,
  connectResuming,
  historyPage,
  newMessage,
  resumedRooms,
  sendAcked,
  texts,
  wholeHistory,
} from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { freePort } from "../support/freePort";
import { Random } from "../support/random";
import { RedisServer } from "../support/redisServer";
import { COOKING } from "../support/rooms";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { ServiceProcess } from "../support/serviceProcess";
import { startStopwatch } from "../support/stopwatch";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

/** The service promises 2 s; the rest is for timers and transport. */
const REFUSED_WITHIN_MS = 2_500;
const RECOVERS_WITHIN_MS = 5_000;
/** The promise for the presence of a killed node's clients. */
const PRESENCE_GONE_WITHIN_MS = 30_000;
const NOT_STORED = { data: null, error: { message: "Message could not be stored", status: 503, errors: [] } };

interface TwoNodes {
  redis: RedisServer;
  one: ServiceProcess;
  other: ServiceProcess;
}

async function startTwo(): Promise<TwoNodes> {
  const redis = await RedisServer.start();
  const env = { ...NO_RATE_LIMITS, REDIS_URL: redis.url };
  const [one, other] = await Promise.all([ServiceProcess.start(env), ServiceProcess.start(env)]);
  afterThisTest(() => expectNoErrors(one, other));
  return { redis, one, other };
}

function expectNoErrors(...services: ServiceProcess[]): void {
  for (const { stderr, lines } of services) {
    expect(stderr).toBe("");
    expect(lines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  }
}

/** Sends a message under one uuid until it is stored, as a client does; then waits until the listener has it. */
async function expectDelivery(from: TestClient, to: TestClient, message: string): Promise<void> {
  const tried = newMessage({ message });
  const isAcked = async () => (await ask(from, tried)).error === null;
  await until(`${message} is stored`, isAcked, RECOVERS_WITHIN_MS);
  await until(`${message} is received`, () => receivedTexts(to).at(-1) === message, RECOVERS_WITHIN_MS);
}

/** Texts of the room's messages that the client received and the test has not taken. */
function receivedTexts(client: TestClient): string[] {
  return client.queued<DataEnvelope<{ message: string }>>(COOKING.name).map(({ data }) => data.message);
}

/** Announces presence in the room; resolves with the names in the ack. */
async function namesSeenBy(client: TestClient, username: string): Promise<string[]> {
  const presence = { username, avatar: "", currentRoom: COOKING };
  const [answer] = await client.ask(EVENTS.newPresenceInformation, presence);
  const { usersPerRoom } = (answer as DataEnvelope<PresenceInformation>).data;
  return (usersPerRoom[COOKING.name] ?? []).map((user) => user.username);
}

/** The users of the room in the latest presence that the client received. */
function lastPresence(client: TestClient): string[] {
  const latest = client.queued<DataEnvelope<PresenceInformation>>(EVENTS.presenceInformation).at(-1);
  return (latest?.data.usersPerRoom[COOKING.name] ?? []).map(({ username }) => username);
}

describeWithBinary("redis-server", "two nodes", () => {
  test("keep every promise through random faults under load", async () => {
    const random = new Random();
    const lines = [`seed ${String(random.seed)}`];
    const report = (line: string) => void lines.push(line);
    const wrong = await redisRounds({ nodes: 2, rounds: 3, random, report });
    expect({ wrong, lines: wrong.length > 0 ? lines : [] }).toEqual({ wrong: [], lines: [] });
  }, 120_000);

  test("refuse messages within 2 s while Redis is frozen, deliver them to no client, and recover when it is back", async () => {
    const { redis, one, other } = await startTwo();
    const sender = await TestClient.connect(one.url);
    const listeners = [await TestClient.connect(one.url), await TestClient.connect(other.url)];
    await sendAcked(sender, { message: "before" });
    for (const listener of listeners) await listener.waitFor(COOKING.name);
    redis.freeze();
    const elapsedMs = startStopwatch();
    const acked = ask(sender, newMessage({ message: "refused, acked" }));
    sender.sendMessage({ message: "refused, not acked" });
    expect(await acked).toEqual(NOT_STORED);
    expect(await sender.waitFor(EVENTS.serverError)).toEqual([NOT_STORED]);
    expect(elapsedMs()).toBeLessThan(REFUSED_WITHIN_MS);
    const { error } = (await (await fetch(`${one.url}/readyz`)).json()) as ErrorEnvelope;
    expect(error).toEqual({ message: "Service is not ready", status: 503, errors: [expect.stringMatching(/^message log: Redis /)] }); // prettier-ignore
    redis.thaw();
    await expectDelivery(sender, listeners[1] as TestClient, "after");
    await until("the other listener has it too", () => receivedTexts(listeners[0] as TestClient).length > 0);
    for (const listener of listeners) expect(receivedTexts(listener)).toEqual(["after"]);
    for (const { url } of [one, other]) {
      expect((await wholeHistory(url)).map(({ message }) => message)).toEqual(["before", "after"]);
    }
  }, 40_000);

  test("begin a new log when Redis is restarted without its data, and refuse old offsets", async () => {
    const { redis, one, other } = await startTwo();
    const clients = [await TestClient.connect(one.url), await TestClient.connect(other.url)] as const;
    const { offset } = await sendAcked(clients[0], { message: "lost" });
    for (const client of clients) await client.waitFor(COOKING.name);
    for (const [index, client] of clients.entries()) await namesSeenBy(client, `user${String(index)}`);
    await redis.kill();
    await redis.startEmpty();
    await expectDelivery(clients[0], clients[1], "1");
    await expectDelivery(clients[1], clients[0], "2");
    for (const client of clients) {
      await until("both are received", () => receivedTexts(client).length >= 2);
      expect(receivedTexts(client)).toEqual(["1", "2"]);
    }
    for (const { url } of [one, other]) {
      const { [COOKING.name as `/${string}`]: room } = await resumedRooms(
        await connectResuming(url, { [COOKING.name]: offset }),
      );
      expect(room).toMatchObject({ recovered: false, replayed: 0 });
      expect((await wholeHistory(url)).map(({ message }) => message)).toEqual(["1", "2"]);
    }
    for (const [index, client] of clients.entries()) {
      const sees = async () => (await namesSeenBy(client, `user${String(index)}`)).sort().join();
      await until("presence is right", async () => (await sees()) === "user0,user1");
    }
  }, 40_000);

  test("remove the presence of a killed node's clients, which resume at the other node without loss", async () => {
    const { one, other } = await startTwo();
    const staying = await TestClient.connect(other.url);
    const leaving = await connectResuming(one.url, {});
    await resumedRooms(leaving);
    await namesSeenBy(leaving, "ana");
    await until("ana is seen", () => lastPresence(staying).includes("ana"));
    await sendAcked(leaving, { message: "1" });
    const [[, offset] = []] = await leaving.waitForArguments(COOKING.name);
    const gone = leaving.disconnected();
    one.child.kill("SIGKILL");
    await gone;
    await sendAcked(staying, { message: "2" });
    const back = await connectResuming(other.url, { [COOKING.name]: offset });
    expect((await resumedRooms(back))[COOKING.name as `/${string}`]).toMatchObject({
      recovered: true,
      replayed: 1,
    });
    await sendAcked(staying, { message: "3" });
    expect(texts(await back.waitForArguments(COOKING.name, 2))).toEqual(["2", "3"]);
    await until("ana is not seen", () => !lastPresence(staying).includes("ana"), PRESENCE_GONE_WITHIN_MS);
    expect(await namesSeenBy(staying, "bo")).toEqual(["bo"]);
  }, 60_000);

  test("remove the presence of a node that is stopped for long; when it continues, it catches up", async () => {
    const { one, other } = await startTwo();
    const here = await TestClient.connect(one.url);
    const there = await TestClient.connect(other.url);
    await namesSeenBy(here, "ana");
    await namesSeenBy(there, "bo");
    await until("ana is seen", () => lastPresence(there).includes("ana"));
    one.child.kill("SIGSTOP");
    for (const message of ["1", "2"]) await sendAcked(there, { message });
    await until("ana is not seen", () => !lastPresence(there).includes("ana"), PRESENCE_GONE_WITHIN_MS);
    await sendAcked(there, { message: "3" });
    one.child.kill("SIGCONT");
    await expectDelivery(here, there, "4");
    await until("all messages are received", () => receivedTexts(here).length >= 4);
    for (const client of [here, there]) expect(receivedTexts(client)).toEqual(["1", "2", "3", "4"]);
    await until("ana is seen again", () => lastPresence(there).includes("ana"));
    expect((await namesSeenBy(here, "ana")).sort()).toEqual(["ana", "bo"]);
    expect((await namesSeenBy(there, "bo")).sort()).toEqual(["ana", "bo"]);
  }, 60_000);

  test("wait for a Redis that cannot be reached yet, and serve as soon as it can", async () => {
    const redis = await RedisServer.start();
    await redis.kill();
    const port = await freePort();
    const service = new ServiceProcess({ ...NO_RATE_LIMITS, REDIS_URL: redis.url, PORT: String(port) });
    const url = `http://localhost:${String(port)}`;
    const isRunning = () => service.child.exitCode === null && service.child.signalCode === null;
    await firstConnection(redis.port); // it has tried to connect to Redis
    expect(isRunning()).toBe(true);
    expect((await fetch(url)).status).toBe(200);
    const { error } = (await (await fetch(`${url}/readyz`)).json()) as ErrorEnvelope;
    expect(error.errors).toEqual(["starting", "message log: Redis cannot be reached"]);
    await redis.start();
    const isReady = async () => (await fetch(`${url}/readyz`)).status === 200;
    await until("it is ready", isReady, RECOVERS_WITHIN_MS);
    const client = await TestClient.connect(url);
    await expectDelivery(client, client, "hello");
    expect(isRunning()).toBe(true);
    expectNoErrors(service);
  }, 40_000);

  test("serve a room with no message since Redis and they restarted: history, replay and resuming", async () => {
    const redis = await RedisServer.start();
    const env = { ...NO_RATE_LIMITS, REDIS_URL: redis.url, REPLAY_ON_CONNECT: "10" };
    const first = await ServiceProcess.start(env);
    const sent = ["1", "2", "3"];
    const sender = await TestClient.connect(first.url);
    for (const text of sent) await sendAcked(sender, { message: text });
    first.child.kill("SIGTERM");
    await first.exited;
    await redis.kill();
    await redis.start();
    const second = await ServiceProcess.start(env); // it cannot know that nothing was lost: a new epoch begins
    const { url } = second;
    const [oldest, , newest] = await wholeHistory(url);
    const pages: string[][] = [];
    for (let query = ""; query !== "none";) {
      const page = await historyPage(url, "/cooking", `?limit=1${query}`);
      pages.push(page.messages.map(({ message }) => message));
      query = page.before === null ? "none" : `&before=${page.before}`;
    }
    expect(pages).toEqual([["3"], ["2"], ["1"]]);
    expect((await historyPage(url, "/cooking", `?after=${String(oldest?.offset)}`)).after).toBeNull();
    const upToDate = await resumedRooms(await connectResuming(url, { "/cooking": newest?.offset }));
    expect(upToDate["/cooking"]).toMatchObject({ recovered: true, replayed: 0 });
    const behind = await resumedRooms(await connectResuming(url, { "/cooking": oldest?.offset }));
    expect(behind["/cooking"]).toMatchObject({ recovered: true, replayed: 2 });
    const base = await TestClient.connect(url);
    await sendAcked(base, { message: "4" });
    expect(texts(await base.waitForArguments("/cooking", 4))).toEqual([...sent, "4"]);
    expect(second.lines.filter(({ msg }) => msg === "disconnected")).toEqual([]);
  });

  test("stop in order while they wait for Redis", async () => {
    const port = await freePort();
    const service = new ServiceProcess({ REDIS_URL: `redis://127.0.0.1:${String(port)}` });
    await firstConnection(port);
    service.child.kill("SIGTERM");
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expectNoErrors(service);
  });
});

/** Listens on the port in the place of Redis; resolves after the first connection, and frees the port. */
async function firstConnection(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await new Promise<void>((resolve) =>
    server.once("connection", (socket) => {
      socket.destroy();
      resolve();
    }),
  );
  await new Promise((resolve) => server.close(resolve));
}
