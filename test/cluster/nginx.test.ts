import { Agent, get } from "node:http";
import type { ChatMessage, DataEnvelope } from "../../src/protocol/events";
import { describeWithBinary } from "../support/binaries";
import { ask, historyPage, sendAcked } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { startNginx } from "../support/nginx";
import { RawPolling } from "../support/rawPolling";
import { exchange } from "../support/rawTcp";
import { ServiceProcess } from "../support/serviceProcess";
import { CLIENTS, TestClient, type TestClientOptions } from "../support/testClient";
import { until } from "../support/until";

const POLLING = "/socket.io/?EIO=4&transport=polling";
const ALL_CLIENTS: typeof CLIENTS = [
  ...CLIENTS,
  { name: "client 4.8 that upgrades", options: { generation: "4.8", transports: ["polling", "websocket"] } },
  { name: "client 2.x that upgrades", options: { generation: "2.x", transports: ["polling", "websocket"] } },
];

interface NodesBehindNginx {
  url: string;
  nodes: ServiceProcess[];
}

/** Two nodes without Redis, so neither knows the other, and nginx before them. */
async function startBehindNginx(env: Record<string, string> = {}): Promise<NodesBehindNginx> {
  const start = () => ServiceProcess.start({ TRUST_PROXY: "1", ...env });
  const nodes = await Promise.all([start(), start()]);
  return { url: await startNginx(nodes.map(({ port }) => port)), nodes };
}

/** The node's log lines for connected clients, one for each. */
function connected(node: ServiceProcess): Record<string, unknown>[] {
  return node.lines.filter(({ msg }) => msg === "connected");
}

/** Resolves once the nodes have logged `count` clients in all; the logs arrive through pipes. */
async function waitUntilLogged({ nodes }: NodesBehindNginx, count: number): Promise<void> {
  await until(`${String(count)} clients are logged`, () => nodes.flatMap(connected).length === count);
}

/** The node that the only client is connected to, and the other one. */
async function nodeInUse(behind: NodesBehindNginx): Promise<[inUse: ServiceProcess, other: ServiceProcess]> {
  await waitUntilLogged(behind, 1);
  const [inUse, other] = [...behind.nodes].sort((a, b) => connected(b).length - connected(a).length);
  return [inUse, other] as [ServiceProcess, ServiceProcess];
}

function from(localAddress: string): Agent {
  const agent = new Agent({ localAddress });
  afterThisTest(() => agent.destroy());
  return agent;
}

function bodyOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
      answer.on("end", () => resolve(body));
    }).once("error", reject);
  });
}

/** Resolves once the client has upgraded from polling to websocket. */
async function waitForUpgrade({ socket }: TestClient): Promise<void> {
  await until("the client has upgraded", () => socket.io.engine.transport.name === "websocket");
}

async function expectChat(a: TestClient, b: TestClient): Promise<void> {
  const { uuid } = await sendAcked(a, { message: "through nginx" });
  for (const client of [a, b]) {
    const [received] = await client.waitFor<DataEnvelope<ChatMessage>>("/cooking");
    expect(received?.data).toMatchObject({ uuid, message: "through nginx" });
  }
}

describeWithBinary("nginx", "two nodes behind nginx", () => {
  describe.each(ALL_CLIENTS)("$name", ({ options }) => {
    test("connects, chats and gets its acks", async () => {
      const { url } = await startBehindNginx();
      const a = await TestClient.connect(url, options);
      const b = await TestClient.connect(url, options);
      if (options.transports?.length === 2) await Promise.all([waitForUpgrade(a), waitForUpgrade(b)]);
      await expectChat(a, b);
      await expectChat(b, a);
    });

    test("reconnects by itself, to the other node, when its node is killed", async () => {
      const behind = await startBehindNginx();
      const client = await TestClient.connect(behind.url, { ...options, reconnection: true });
      const [killed, other] = await nodeInUse(behind);
      const back = new Promise((resolve) => client.socket.once("connect", () => resolve(undefined)));
      killed.child.kill("SIGKILL");
      await back;
      await sendAcked(client);
      await waitUntilLogged(behind, 2);
      expect(connected(other)).toHaveLength(1);
    });
  });

  test("rooms and history are served", async () => {
    const { url } = await startBehindNginx();
    const client = await TestClient.connect(url);
    const { offset } = await sendAcked(client, { message: "kept" });
    const { messages } = await historyPage(url, "/cooking", "?limit=1");
    expect(messages).toMatchObject([{ message: "kept", offset }]);
    const rooms = (await (await fetch(`${url}/rooms`)).json()) as DataEnvelope<{ chatRooms: unknown[] }>;
    expect(rooms.data.chatRooms).toHaveLength(4);
  });

  test("an address always reaches the same node, and addresses spread over both", async () => {
    const behind = await startBehindNginx();
    const addresses = Array.from({ length: 20 }, (_, i) => `127.0.0.${String(10 + i)}`);
    for (const address of [...addresses, ...addresses])
      await TestClient.connect(behind.url, { agent: from(address), transports: ["polling"] });
    await waitUntilLogged(behind, 2 * addresses.length);
    const [atFirst = [], atSecond = []] = behind.nodes.map((node) =>
      connected(node).map(({ ip }) => String(ip)),
    );
    expect([...atFirst, ...atSecond].sort()).toEqual([...addresses, ...addresses].sort());
    expect(atFirst.filter((ip) => atSecond.includes(ip))).toEqual([]);
    expect(Math.min(atFirst.length, atSecond.length)).toBeGreaterThan(0);
  });

  test("the service sees the client's own address, also when the client forges X-Forwarded-For", async () => {
    const behind = await startBehindNginx();
    const options: TestClientOptions = {
      agent: from("127.0.0.77"),
      extraHeaders: { "X-Forwarded-For": "203.0.113.9" },
    };
    await TestClient.connect(behind.url, options);
    const [node] = await nodeInUse(behind);
    expect(connected(node)).toMatchObject([{ ip: "127.0.0.77" }]);
  });

  test("a foreign origin is refused; an allowed one and the service's own are accepted", async () => {
    const { url } = await startBehindNginx({ ALLOWED_ORIGINS: "https://chat.example.com" });
    const statusFor = async (Origin: string) => RawPolling.statusOf(url, { headers: { Origin } });
    expect(await statusFor("https://evil.example")).toBe(403);
    expect(await statusFor("https://chat.example.com")).toBe(200);
    expect(await statusFor(url)).toBe(200);
    const extraHeaders = { Origin: "https://evil.example" };
    await expect(TestClient.connect(url, { extraHeaders })).rejects.toThrow();
  });

  test.each([
    "/metrics",
    "/metrics/",
    "/METRICS",
    "//metrics",
    "/%6detrics",
    "/rooms/../metrics",
    "/metrics?a=b",
  ])("nginx does not serve %s", async (path) => {
    const { url } = await startBehindNginx({ METRICS_TOKEN: "a-token-of-some-length" });
    const headers = "Host: chat.example\r\nConnection: close\r\nAuthorization: Bearer secret\r\n";
    const answer = await exchange(Number(new URL(url).port), `GET ${path} HTTP/1.1\r\n${headers}\r\n`);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toEqual({
      data: null,
      error: { message: "Not found", status: 404, errors: [] },
    });
    expect(answer.headers.has("content-security-policy")).toBe(false); // which a node would send
  });

  test("nginx refuses a body that is larger than the service accepts", async () => {
    const { url } = await startBehindNginx();
    const post = (body: string) => fetch(`${url}${POLLING}&sid=unknown`, { method: "POST", body });
    expect((await post("x".repeat(64 * 1024))).status).toBe(400); // from Engine.IO: the session is unknown
    expect((await post("x".repeat(64 * 1024 + 1))).status).toBe(413);
  });

  test("while a node drains, its sessions continue, new ones begin at the other node, and no POST is sent twice", async () => {
    const behind = await startBehindNginx();
    const client = await TestClient.connect(behind.url);
    const [draining, other] = await nodeInUse(behind);
    const silent = await RawPolling.open(behind.url); // it does not poll, so the drain waits for it
    const gone = client.disconnected();
    draining.child.kill("SIGTERM");
    await gone;
    const posted = await fetch(`${behind.url}${POLLING}`, { method: "POST", body: "40" });
    expect(posted.status).toBe(503);
    expect(await RawPolling.statusOf(draining.url)).toBe(503);
    expect(await RawPolling.statusOf(behind.url)).toBe(200);
    await sendAcked(await TestClient.connect(behind.url));
    await waitUntilLogged(behind, 2);
    expect(connected(other)).toHaveLength(1);
    expect((await silent.poll()).packets).toEqual(["1"]); // the drain's close, not "unknown session"
    expect(await draining.exited).toEqual({ code: 0, signal: null });
  });

  test("one client with too many connections does not make a node unavailable to others", async () => {
    const { url } = await startBehindNginx({ MAX_CONNECTIONS_PER_IP: "1" });
    const greedy = from("127.0.0.66");
    const others = Array.from({ length: 10 }, (_, i) => from(`127.0.0.${String(100 + i)}`));
    for (let i = 0; i < 2; i += 1) await TestClient.connect(url, { agent: greedy }); // one at each node
    await expect(TestClient.connect(url, { agent: greedy })).rejects.toThrow();
    for (const agent of others) {
      const client = await TestClient.connect(url, { agent });
      expect((await ask(client, null)).error?.status).toBe(404);
      expect(await bodyOf(`${url}/`, agent)).toBe("OK");
    }
  });
});
