import { readFileSync } from "node:fs";
import { WebSocket } from "ws";
import { EVENTS, type DataEnvelope, type PresenceInformation } from "../src/protocol/events";
import { ConfigError, loadConfig } from "../src/config";
import { describeWithBinary } from "./support/binaries";
import { numbers, sendAcked, sendNumbered, texts, wholeHistory } from "./support/chat";
import { afterThisTest } from "./support/disposal";
import { sharedRedis } from "./support/redisServer";
import { ServiceProcess } from "./support/serviceProcess";
import { CLIENTS, TestClient } from "./support/testClient";
import { until } from "./support/until";

const NO_LIMITS = { MESSAGES_PER_SECOND: "0", HISTORY_PER_SECOND: "0" };

test("one process is the default, whatever WEB_CONCURRENCY says, and more need REDIS_URL", () => {
  expect(loadConfig({ WEB_CONCURRENCY: "4" }).workers).toBe(1);
  expect(loadConfig({ WORKERS: "1" }).workers).toBe(1);
  expect(loadConfig({ WORKERS: "3", REDIS_URL: "redis://localhost" }).workers).toBe(3);
  expect(() => loadConfig({ WORKERS: "2" })).toThrow(ConfigError);
  expect(() => loadConfig({ WORKERS: "2" })).toThrow(/^WORKERS above 1 needs REDIS_URL/);
});

describeWithBinary("redis-server", "WORKERS=2", () => {
  const redis = sharedRedis();

  /** Resolves when both workers take clients. */
  async function start(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({
      WORKERS: "2",
      REDIS_URL: redis().url,
      ...NO_LIMITS,
      ...env,
    });
    await readyWorkers(service, 2);
    return service;
  }

  function readyWorkers(service: ServiceProcess, count: number): Promise<void> {
    const isReady = ({ msg, worker }: Record<string, unknown>) => msg === "ready" && worker !== undefined;
    return until("the workers are ready", () => service.lines.filter(isReady).length === count);
  }

  function workerPids({ child }: ServiceProcess): number[] {
    const { pid } = child;
    const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, "utf8");
    return children.trim().split(" ").filter((each) => each !== "").map(Number); // prettier-ignore
  }

  /** Of each connection so far the id of its worker, in order. */
  function connectedTo({ lines }: ServiceProcess): unknown[] {
    return lines.filter(({ msg }) => msg === "connected").map(({ worker }) => worker);
  }

  /** Connects clients until both workers have some; the primary may not yet know of one when the next one comes. */
  async function connectToBoth(service: ServiceProcess): Promise<TestClient[]> {
    const clients: TestClient[] = [];
    while (new Set(connectedTo(service)).size < 2) {
      clients.push(await TestClient.connect(service.url));
      await until("it is in the log", () => connectedTo(service).length === clients.length);
    }
    return clients;
  }

  /** Says CONNECT in the moment in which it may, as the fastest of clients. Resolves with whether it was answered. */
  async function isConnected(url: string): Promise<boolean> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    afterThisTest(() => socket.terminate());
    const isAnswered = new Promise<boolean>((resolve) => {
      socket.on("message", (data: Buffer) => {
        if (data.toString().startsWith("0")) socket.send("40");
        else resolve(data.toString().startsWith("40"));
      });
      socket.once("close", () => resolve(false));
    });
    const answer = await isAnswered;
    socket.terminate();
    return answer;
  }

  test("nothing is lost of what clients say while their connection goes to a worker", async () => {
    const { url } = await start();
    for (let burst = 0; burst < 5; burst += 1) {
      const answers = await Promise.all(Array.from({ length: 300 }, () => isConnected(url)));
      expect(answers.filter((isAnswered) => !isAnswered)).toEqual([]);
    }
  });

  test("clients of every kind, spread over the workers, hear each other", async () => {
    const service = await start();
    const kinds = [...CLIENTS, ...CLIENTS];
    const clients: TestClient[] = [];
    for (const { options } of kinds) clients.push(await TestClient.connect(service.url, options));
    const upgrading = await TestClient.connect(service.url, { transports: ["polling", "websocket"] });
    clients.push(upgrading);
    for (const [index, client] of clients.entries()) await sendAcked(client, { message: String(index) });
    for (const client of clients) {
      expect(texts(await client.waitForArguments("/cooking", clients.length))).toEqual(
        numbers(clients.length),
      );
    }
    await until("both have clients", () => new Set(connectedTo(service)).size === 2);
    clients[0]?.announcePresence();
    for (const client of clients) {
      const [snapshot] = await client.waitFor<DataEnvelope<PresenceInformation>>(EVENTS.presenceInformation);
      expect(snapshot?.data.usersPerRoom["/cooking"]).toHaveLength(1);
    }
    expect((await fetch(`${service.url}/rooms`)).status).toBe(200);
    expect(await wholeHistory(service.url)).toHaveLength(clients.length);
  });

  test("/metrics sums up what all workers count", async () => {
    const token = "a-token-of-some-length";
    const service = await start({ METRICS_TOKEN: token });
    const clients = await connectToBoth(service);
    const count = clients.length;
    for (const client of clients) await sendAcked(client);
    for (const client of clients) await client.waitFor("/cooking", count);
    for (let i = 0; i < 2; i += 1) {
      const response = await fetch(`${service.url}/metrics`, {
        headers: { Authorization: `Bearer ${token}` },
      });
      expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
      const text = await response.text();
      expect(text).toContain(`chat_messages_accepted_total ${String(count)}\n`);
      expect(text).toContain(`chat_deliveries_total{event="message"} ${String(count ** 2)}\n`);
      expect(text).toContain(`chat_connections{transport="websocket",eio="4"} ${String(count)}\n`);
    }
    expect((await fetch(`${service.url}/metrics`)).status).toBe(401);
  });

  test("large bodies over polling arrive whole", async () => {
    const service = await start();
    const client = await TestClient.connect(service.url, { transports: ["polling"] });
    const long = "é".repeat(4_000);
    await Promise.all(numbers(5).map((text) => sendAcked(client, { message: text + long.slice(1) })));
    const heard = texts(await client.waitForArguments("/cooking", 5));
    expect(heard.map((text) => text.length)).toEqual(Array(5).fill(4_000));
  });

  test("a worker that dies is replaced, its clients come back, the others notice nothing", async () => {
    const service = await start();
    const clients = await connectToBoth(service);
    const [victim = 0] = workerPids(service);
    process.kill(victim, "SIGKILL");
    const deaths = () => service.lines.filter(({ msg }) => msg === "worker died, starting another");
    await until("the death was noticed", () => deaths().length === 1);
    const survives = connectedTo(service).map((worker) => worker !== deaths()[0]?.worker);
    const connected = () => clients.map(({ socket }) => socket.connected);
    await until("its clients know", () => connected().join() === survives.join());
    await readyWorkers(service, 3);
    expect(connected()).toEqual(survives);
    const back = await TestClient.connect(service.url);
    await sendAcked(back, { message: "back" });
    for (const survivor of clients.filter(({ socket }) => socket.connected)) {
      expect(texts(await survivor.waitForArguments("/cooking"))).toEqual(["back"]);
    }
    expect(deaths()).toMatchObject([{ signal: "SIGKILL", delay: 250 }]);
  });

  test("who dies again and again is started ever later", async () => {
    const service = await start();
    const delays = () => service.lines.filter(({ delay }) => delay !== undefined).map(({ delay }) => delay);
    for (let deaths = 1; deaths <= 3; deaths += 1) {
      await until("both run", () => workerPids(service).length === 2);
      process.kill(workerPids(service)[0] ?? 0, "SIGKILL");
      await until("the death was noticed", () => delays().length === deaths);
    }
    expect(delays()).toEqual([250, 500, 1_000]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s drains all workers; nothing acked is lost, exit code 0",
    async (signal) => {
      const service = await start();
      const clients = await Promise.all(
        CLIENTS.map(({ options }) => TestClient.connect(service.url, options)),
      );
      const pids = workerPids(service);
      const [sender] = clients as [TestClient];
      const offsets = await sendNumbered(sender, 50);
      const gone = Promise.all(clients.map((client) => client.disconnected()));
      service.child.kill(signal);
      await gone;
      expect(await service.exited).toEqual({ code: 0, signal: null });
      for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
      for (const client of clients) expect(client.queued("/cooking")).toHaveLength(50);
      const next = await start();
      expect((await wholeHistory(next.url)).map(({ offset }) => offset)).toEqual(offsets);
    },
  );

  test("without the primary the workers end too", async () => {
    const service = await start();
    const pids = workerPids(service);
    expect(pids).toHaveLength(2);
    service.child.kill("SIGKILL");
    const isGone = (pid: number) => {
      try {
        return !readFileSync(`/proc/${String(pid)}/stat`, "utf8").includes(") S"); // a zombie is as good as gone
      } catch {
        return true;
      }
    };
    await until("they are gone", () => pids.every(isGone));
  });
});
