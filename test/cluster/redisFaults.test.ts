import { createServer } from "node:net";
import type { ErrorEnvelope } from "../../src/protocol/refusals";
import { redisRounds } from "../crash/redisRounds";
import { EVENTS, type DataEnvelope, type PresenceInformation } from "../../src/protocol/events";
import { describeWithBinary } from "../support/binaries";
import {
  ask,
  connectResuming,
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
import { ServiceProcess } from "../support/serviceProcess";
import { COOKING, TestClient } from "../support/testClient";
import { until } from "../support/until";

const ANSWER = 2_500; // ms; 2 s are promised, the rest is for a busy machine
const RECOVERY = 5_000; // ms
const LEASE_AND_BEAT = 30_000; // ms; promised for presence after a kill
const NO_LIMITS = { MESSAGES_PER_SECOND: "0", PRESENCE_PER_SECOND: "0" }; // tests ask until they get an answer
const NOT_STORED = { data: null, error: { message: "Message could not be stored", status: 503, errors: [] } };

interface Cluster {
  redis: RedisServer;
  one: ServiceProcess;
  other: ServiceProcess;
}

async function startTwo(): Promise<Cluster> {
  const redis = await RedisServer.start();
  const env = { ...NO_LIMITS, REDIS_URL: redis.url };
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

/** Sends until it is stored, under one uuid, as a client does; then it must have reached the listener. */
async function reaches(from: TestClient, to: TestClient, message: string): Promise<void> {
  const tried = newMessage({ message });
  const isAcked = async () => (await ask(from, tried)).error === null;
  await until(`${message} is stored`, isAcked, RECOVERY);
  await until(`${message} is heard`, () => heard(to).at(-1) === message, RECOVERY);
}

/** Texts of what the client heard in the room and nobody has asked for. */
function heard(client: TestClient): string[] {
  return client.queued<DataEnvelope<{ message: string }>>(COOKING.name).map(({ data }) => data.message);
}

async function namesSeenBy(client: TestClient, username: string): Promise<string[]> {
  const presence = { username, avatar: "", currentRoom: COOKING };
  const [answer] = await client.ask(EVENTS.newPresenceInformation, presence);
  const { usersPerRoom } = (answer as DataEnvelope<PresenceInformation>).data;
  return (usersPerRoom[COOKING.name] ?? []).map((user) => user.username);
}

/** The latest presence that the client has heard of. */
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

  test("refuse messages within 2 s while Redis is frozen, nobody hears them, and go on when it is back", async () => {
    const { redis, one, other } = await startTwo();
    const sender = await TestClient.connect(one.url);
    const listeners = [await TestClient.connect(one.url), await TestClient.connect(other.url)];
    await sendAcked(sender, { message: "before" });
    for (const listener of listeners) await listener.waitFor(COOKING.name);
    redis.freeze();
    const start = performance.now();
    const acked = ask(sender, newMessage({ message: "refused, acked" }));
    sender.sendMessage({ message: "refused, not acked" });
    expect(await acked).toEqual(NOT_STORED);
    expect(await sender.waitFor(EVENTS.serverError)).toEqual([NOT_STORED]);
    expect(performance.now() - start).toBeLessThan(ANSWER);
    const { error } = (await (await fetch(`${one.url}/readyz`)).json()) as ErrorEnvelope;
    expect(error).toEqual({ message: "Service is not ready", status: 503, errors: [expect.stringMatching(/^message log: Redis /)] }); // prettier-ignore
    redis.thaw();
    await reaches(sender, listeners[1] as TestClient, "after");
    await until("the other hears it too", () => heard(listeners[0] as TestClient).length > 0);
    for (const listener of listeners) expect(heard(listener)).toEqual(["after"]);
    for (const { url } of [one, other]) {
      expect((await wholeHistory(url)).map(({ message }) => message)).toEqual(["before", "after"]);
    }
  }, 40_000);

  test("begin a new log when Redis is restarted without its data, and know old offsets no more", async () => {
    const { redis, one, other } = await startTwo();
    const clients = [await TestClient.connect(one.url), await TestClient.connect(other.url)] as const;
    const { offset } = await sendAcked(clients[0], { message: "lost" });
    for (const client of clients) await client.waitFor(COOKING.name);
    for (const [index, client] of clients.entries()) await namesSeenBy(client, `user${String(index)}`);
    await redis.kill();
    await redis.startEmpty();
    await reaches(clients[0], clients[1], "1");
    await reaches(clients[1], clients[0], "2");
    for (const client of clients) {
      await until("both are heard", () => heard(client).length >= 2);
      expect(heard(client)).toEqual(["1", "2"]);
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

  test("show nobody of a node that was killed, whose clients go on elsewhere without loss", async () => {
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
    await until("ana is not seen", () => !lastPresence(staying).includes("ana"), LEASE_AND_BEAT);
    expect(await namesSeenBy(staying, "bo")).toEqual(["bo"]);
  }, 60_000);

  test("count a node as dead that stands still for long, and take it back with all that it missed", async () => {
    const { one, other } = await startTwo();
    const here = await TestClient.connect(one.url);
    const there = await TestClient.connect(other.url);
    await namesSeenBy(here, "ana");
    await namesSeenBy(there, "bo");
    await until("ana is seen", () => lastPresence(there).includes("ana"));
    one.child.kill("SIGSTOP");
    for (const message of ["1", "2"]) await sendAcked(there, { message });
    await until("ana is not seen", () => !lastPresence(there).includes("ana"), LEASE_AND_BEAT);
    await sendAcked(there, { message: "3" });
    one.child.kill("SIGCONT");
    await reaches(here, there, "4");
    await until("all is heard", () => heard(here).length >= 4);
    for (const client of [here, there]) expect(heard(client)).toEqual(["1", "2", "3", "4"]);
    await until("ana is seen again", () => lastPresence(there).includes("ana"));
    expect((await namesSeenBy(here, "ana")).sort()).toEqual(["ana", "bo"]);
    expect((await namesSeenBy(there, "bo")).sort()).toEqual(["ana", "bo"]);
  }, 60_000);

  test("wait for a Redis that is not there yet, and serve as soon as it is", async () => {
    const redis = await RedisServer.start();
    await redis.kill();
    const port = await freePort();
    const service = new ServiceProcess({ ...NO_LIMITS, REDIS_URL: redis.url, PORT: String(port) });
    const url = `http://localhost:${String(port)}`;
    const isRunning = () => service.child.exitCode === null && service.child.signalCode === null;
    await reachable(redis.port); // it has asked for Redis in vain
    expect(isRunning()).toBe(true);
    expect((await fetch(url)).status).toBe(200);
    const { error } = (await (await fetch(`${url}/readyz`)).json()) as ErrorEnvelope;
    expect(error.errors).toEqual(["starting", "message log: Redis cannot be reached"]);
    await redis.start();
    const isReady = async () => (await fetch(`${url}/readyz`)).status === 200;
    await until("it is ready", isReady, RECOVERY);
    const client = await TestClient.connect(url);
    await reaches(client, client, "hello");
    expect(isRunning()).toBe(true);
    expectNoErrors(service);
  }, 40_000);

  test("can be ended in good manners while they wait for Redis", async () => {
    const port = await freePort();
    const service = new ServiceProcess({ REDIS_URL: `redis://127.0.0.1:${String(port)}` });
    await reachable(port);
    service.child.kill("SIGTERM");
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expectNoErrors(service);
  });
});

/** Listens on the port, in the place of Redis, until somebody comes; then leaves it. */
async function reachable(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await new Promise<void>((resolve) =>
    server.once("connection", (socket) => {
      socket.destroy();
      resolve();
    }),
  );
  await new Promise((resolve) => server.close(resolve));
}
