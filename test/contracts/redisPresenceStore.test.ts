import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { RedisPresenceStore } from "../../src/presence/redis/redisPresenceStore";
import { ClientEventLog } from "../../src/observability/logger";
import { RedisNodeBus } from "../../src/nodes/redisNodeBus";
import { describePresenceStore, PRESENCE_ROOMS, shown, user } from "./presenceStoreContract";
import { describeWithBinary } from "../support/binaries";
import { afterThisTest } from "../support/disposal";
import { RedisServer, sharedRedis } from "../support/redisServer";
import { TcpProxy } from "../support/tcpProxy";
import { until } from "../support/until";

const LEASE_MS = 600; // short, because tests wait for its end
const HEARTBEAT_MS = 150;

/** A node with presence alone. `busUrl`: the Redis of its node bus, if it is not that of its data. */
class Node {
  readonly store: RedisPresenceStore;
  readonly bus: RedisNodeBus;
  readonly gone: string[] = [];
  /** The ids of clients that the listener saw leave. */
  readonly left: string[] = [];
  readonly logs: string[] = [];

  constructor(url: string, keyPrefix: string, { busUrl = url } = {}) {
    const logger = pino({ level: "info" }, { write: (line) => this.logs.push(line) });
    const redis = { url, keyPrefix, verifyTls: true };
    this.bus = new RedisNodeBus({ ...redis, url: busUrl }, new ClientEventLog(logger));
    const options = {
      redis,
      bus: this.bus,
      roomNames: PRESENCE_ROOMS,
      logger,
      leaseMs: LEASE_MS,
      heartbeatMs: HEARTBEAT_MS,
    };
    this.store = new RedisPresenceStore(options);
    this.bus.start();
    this.store.start({
      onChange: (changes) =>
        this.left.push(...changes.filter(({ to }) => to === undefined).map(({ id }) => id)),
      onNodeGone: (nodeId) => this.gone.push(nodeId),
    });
    afterThisTest(async () => {
      await this.store.stop();
      await this.bus.stop();
    });
  }

  get failedHeartbeats(): number {
    return this.logs.filter((line) => line.includes("presence is not shared")).length;
  }

  async shows(expected: Record<string, string[]>): Promise<void> {
    const all = { "/cooking": [], "/pets": [], ...expected };
    const isShown = () => JSON.stringify(shown(this.store)) === JSON.stringify(all);
    await until(`${JSON.stringify(all)} is shown`, isShown);
  }
}

describeWithBinary("redis-server", "presence in Redis", () => {
  const redis = sharedRedis();
  let prefix: string;
  beforeEach(() => {
    prefix = randomUUID(); // nodes of the test before must not meet those of this one
  });

  describePresenceStore("redis", (roomNames) => {
    const settings = { url: redis().url, keyPrefix: prefix, verifyTls: true };
    const bus = new RedisNodeBus(settings, new ClientEventLog(pino({ level: "silent" })));
    bus.start();
    afterThisTest(() => bus.stop());
    return new RedisPresenceStore({ redis: settings, bus, roomNames, logger: pino({ level: "silent" }) });
  });

  test("all nodes show all clients, in one order of arrival, through joins, moves and leaves", async () => {
    const nodes = [1, 2, 3].map(() => new Node(redis().url, prefix));
    const [one, two, three] = nodes as [Node, Node, Node];
    one.store.put("1", user("ana"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["ana"] });
    two.store.put("2", user("bo"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["ana", "bo"] });
    three.store.put("3", user("cy"), "/cooking");
    one.store.put("1", user("ana"), "/pets");
    for (const node of nodes) await node.shows({ "/cooking": ["bo", "cy"], "/pets": ["ana"] });
    two.store.remove("2");
    one.store.put("1", user("anna"), "/pets");
    for (const node of nodes) await node.shows({ "/cooking": ["cy"], "/pets": ["anna"] });
  });

  test("a client that leaves a room and comes back is last there on all nodes, also when only the final state was published", async () => {
    const nodes = [new Node(redis().url, prefix), new Node(redis().url, prefix)];
    nodes[0]?.store.put("1", user("ana"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["ana"] });
    nodes[1]?.store.put("2", user("bo"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["ana", "bo"] });
    nodes[0]?.store.put("1", user("ana"), "/pets");
    nodes[0]?.store.put("1", user("ana"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["bo", "ana"] });
  });

  test("a node that starts later shows the clients before it, in order of arrival", async () => {
    const one = new Node(redis().url, prefix);
    const two = new Node(redis().url, prefix);
    for (let i = 0; i < 20; i += 1) (i % 2 ? one : two).store.put(String(i), user(`u${String(i)}`), "/pets");
    const late = new Node(redis().url, prefix);
    late.store.put("late", user("late"), "/pets");
    const names = Array.from({ length: 20 }, (_, i) => `u${String(i)}`);
    const all = (node: Node) => [...(shown(node.store)["/pets"] ?? [])].sort().join();
    for (const node of [one, two, late]) {
      await until("all are shown", () => all(node) === [...names, "late"].sort().join());
    }
    expect(shown(one.store)).toEqual(shown(late.store));
    expect(shown(two.store)).toEqual(shown(late.store));
  });

  test("a storm of joins and leaves ends with the same state everywhere", async () => {
    const nodes = [new Node(redis().url, prefix), new Node(redis().url, prefix)];
    for (let i = 0; i < 3_000; i += 1) {
      nodes[i % 2]?.store.put(String(i), user(`u${String(i)}`), PRESENCE_ROOMS[i % 3 ? 0 : 1] ?? "");
      if (i % 5 === 0) nodes[(i / 5) % 2]?.store.remove(String(i / 5));
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const sizes = () => nodes.map(({ store }) => Object.values(shown(store)).flat().length);
    await until("both know all", () => sizes()[0] === sizes()[1] && nodes[0]?.store.toJson() === nodes[1]?.store.toJson()); // prettier-ignore
    expect(sizes()[0]).toBeGreaterThan(2_000);
  });

  test("a node that starts later shows thousands of clients", async () => {
    const one = new Node(redis().url, prefix);
    for (let i = 0; i < 10_000; i += 1) one.store.put(String(i), user(`u${String(i)}`), "/pets");
    const { nodeId } = one.bus;
    const stored = () => redis().control.hlen(`${prefix}:{presence}:clients:${nodeId}`);
    await until("all are stored", async () => (await stored()) === 10_000);
    const late = new Node(redis().url, prefix);
    await until("all are shown", () => shown(late.store)["/pets"]?.length === 10_000);
    expect(late.store.toJson()).toBe(one.store.toJson());
  });

  test("the clients of a node that stops are removed at once", async () => {
    const staying = new Node(redis().url, prefix);
    const leaving = new Node(redis().url, prefix);
    leaving.store.put("1", user("ana"), "/cooking");
    await staying.shows({ "/cooking": ["ana"] });
    await leaving.store.stop();
    await staying.shows({});
    expect(staying.gone).toEqual([leaving.bus.nodeId]);
    expect(await redis().control.keys(`${prefix}:*${leaving.bus.nodeId}*`)).toEqual([]);
  });

  test("the clients of a node that dies are removed when its lease expires, and one other node sweeps it", async () => {
    const survivors = [1, 2, 3].map(() => new Node(redis().url, prefix));
    const proxy = await TcpProxy.to(redis().port);
    const cutOff = new Node(`redis://127.0.0.1:${String(proxy.port)}`, prefix);
    cutOff.store.put("1", user("ana"), "/cooking");
    for (const node of survivors) await node.shows({ "/cooking": ["ana"] });
    proxy.cut();
    for (const node of survivors) await node.shows({});
    const isSwept = (line: string) => line.includes("dead node removed");
    const sweeps = () => survivors.flatMap(({ logs }) => logs.filter(isSwept));
    await until("it was swept", () => sweeps().length > 0);
    await until("all know", () => survivors.every(({ gone }) => gone.includes(cutOff.bus.nodeId)));
    expect(sweeps()).toHaveLength(1);
    expect(await redis().control.keys(`${prefix}:*${cutOff.bus.nodeId}*`)).toEqual([]);

    // The node that was cut off keeps working alone, and shares all its clients when the connection is back.
    cutOff.store.put("2", user("bo"), "/pets");
    expect(shown(cutOff.store)).toEqual({ "/cooking": ["ana"], "/pets": ["bo"] });
    survivors[0]?.store.put("3", user("cy"), "/pets");
    proxy.mend();
    const both = JSON.stringify({ "/cooking": ["ana"], "/pets": ["bo", "cy"] });
    for (const node of [...survivors, cutOff]) {
      await until("all are shown", () => JSON.stringify(shown(node.store)) === both);
    }
  });

  test("a live node that was swept registers again", async () => {
    const survivor = new Node(redis().url, prefix);
    const still = new Node(redis().url, prefix);
    still.store.put("1", user("ana"), "/cooking");
    await survivor.shows({ "/cooking": ["ana"] });
    // Deletes what a sweep deletes.
    const { nodeId } = still.bus;
    const keys = ["nodes", `lease:${nodeId}`, `clients:${nodeId}`].map(
      (key) => `${prefix}:{presence}:${key}`,
    );
    await redis()
      .control.multi()
      .hdel(keys[0] ?? "", nodeId)
      .del(keys[1] ?? "", keys[2] ?? "")
      .exec();
    await until(
      "it has registered again",
      async () => (await redis().control.hexists(keys[0] ?? "", nodeId)) === 1,
    );
    still.store.put("2", user("bo"), "/cooking");
    await survivor.shows({ "/cooking": ["ana", "bo"] });
  });

  test("the next heartbeat repairs the loss of messages between nodes", async () => {
    const proxy = await TcpProxy.to(redis().port);
    const deaf = new Node(redis().url, prefix, { busUrl: `redis://127.0.0.1:${String(proxy.port)}` });
    const other = new Node(redis().url, prefix);
    other.store.put("1", user("ana"), "/cooking");
    await deaf.shows({ "/cooking": ["ana"] });
    proxy.cut();
    other.store.put("2", user("bo"), "/cooking");
    await deaf.shows({ "/cooking": ["ana", "bo"] });
    other.store.remove("1");
    await deaf.shows({ "/cooking": ["bo"] });
    proxy.mend();
  });

  test("a node whose keys are damaged does not hide the nodes after it", async () => {
    const { control } = redis();
    await control.hset(`${prefix}:{presence}:nodes`, "stranger", "7"); // the first in the hash
    await control.set(`${prefix}:{presence}:lease:stranger`, "", "EX", 60);
    await control.set(`${prefix}:{presence}:clients:stranger`, "garbage");
    const one = new Node(redis().url, prefix);
    one.store.put("1", user("ana"), "/cooking");
    const { nodeId } = one.bus;
    const stored = () => control.hlen(`${prefix}:{presence}:clients:${nodeId}`);
    await until("ana is stored", async () => (await stored()) === 1);
    const late = new Node(redis().url, prefix); // it reads the nodes that it finds, in the order of the hash
    await late.shows({ "/cooking": ["ana"] });
    await until("the damage is logged", () => late.logs.some((line) => line.includes("WRONGTYPE")));
  });

  test("many clients with the longest avatars are published in messages below 1 MiB", async () => {
    const [one, other] = [new Node(redis().url, prefix), new Node(redis().url, prefix)];
    const subscriber = redis().control.duplicate();
    afterThisTest(() => subscriber.disconnect());
    const sizes: number[] = [];
    subscriber.on("messageBuffer", (_channel, body: Buffer) => sizes.push(body.length));
    await subscriber.subscribe(`${prefix}:nodes-request#/#`);
    other.store.put("0", user("bo"), "/pets");
    await one.shows({ "/pets": ["bo"] });
    for (let i = 1; i <= 200; i += 1)
      one.store.put(String(i), user(String(i), "\u0001".repeat(2_048)), "/cooking");
    await until("all are shown", () => shown(other.store)["/cooking"]?.length === 200);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(1024 * 1024);
    expect(Math.max(...sizes)).toBeLessThan(1024 * 1024);
  });

  test("invalid presence from other programs is not shown", async () => {
    const node = new Node(redis().url, prefix);
    const other = new Node(redis().url, prefix);
    other.store.put("1", user("ana"), "/cooking");
    await node.shows({ "/cooking": ["ana"] });
    const { control } = redis();
    const clients = `${prefix}:{presence}:clients:stranger`;
    const strange = ["{", "null", "[]", '{"room":"/nowhere","order":1,"user":{"username":"x","avatar":""}}'];
    const wrong = [
      '{"room":"/pets","order":"1","user":{"username":"x","avatar":""}}',
      '{"room":"/pets","order":1}',
    ];
    for (const [index, text] of [...strange, ...wrong].entries()) await control.hset(clients, index, text);
    await control.hset(
      clients,
      "good",
      '{"room":"/pets","order":1,"user":{"username":"guest","avatar":"","x":1}}',
    );
    await control.set(`${prefix}:{presence}:lease:stranger`, "", "EX", 60);
    await control.hset(`${prefix}:{presence}:nodes`, "stranger", "7");
    await node.shows({ "/cooking": ["ana"], "/pets": ["guest"] });
    const channel = `${prefix}:nodes-request#/#`;
    for (const data of [
      ["presence"],
      ["presence", 1, 2],
      ["presence", "stranger", { number: 8, changes: [1, null, [2]] }],
      ["presence_gone", "x", {}],
      [],
    ]) {
      await control.publish(channel, JSON.stringify({ uid: "u", type: 6, data }));
    }
    await control.publish(channel, "garbage");
    await control.publish(`${prefix}:nodes#/#`, "garbage");
    other.store.put("2", user("bo"), "/cooking");
    await node.shows({ "/cooking": ["ana", "bo"], "/pets": ["guest"] });
  });
});

describeWithBinary("redis-server", "presence when Redis", () => {
  /** Starts two nodes: ana is in /cooking on the first, bo is in /pets on the second. */
  async function twoNodes({ url }: RedisServer): Promise<[Node, Node]> {
    const nodes: [Node, Node] = [new Node(url, "chat"), new Node(url, "chat")];
    nodes[0].store.put("1", user("ana"), "/cooking");
    nodes[1].store.put("2", user("bo"), "/pets");
    for (const node of nodes) await node.shows({ "/cooking": ["ana"], "/pets": ["bo"] });
    return nodes;
  }

  const isLeaseOver = ({ failedHeartbeats }: Node) => failedHeartbeats > LEASE_MS / HEARTBEAT_MS + 2;

  test("loses its data, all nodes register again", async () => {
    const server = await RedisServer.start();
    const [one, two] = await twoNodes(server);
    await server.kill();
    one.store.put("3", user("cy"), "/pets");
    await server.startEmpty();
    for (const node of [one, two]) await node.shows({ "/cooking": ["ana"], "/pets": ["bo", "cy"] });
    expect([one.left, two.left]).toEqual([[], []]);
    expect(await server.control.hlen("chat:{presence}:nodes")).toBe(2);
  });

  test("is full, no client disappears from the other nodes", async () => {
    const server = await RedisServer.start();
    const [one, two] = [new Node(server.url, "chat"), new Node(server.url, "chat")];
    one.store.put("1", user("ana"), "/cooking");
    await two.shows({ "/cooking": ["ana"] });
    await server.control.config("SET", "maxmemory", "1");
    one.store.put("2", user("bo", "face.png"), "/cooking");
    await until("heartbeats have failed for longer than a lease", () => isLeaseOver(one));
    await two.shows({ "/cooking": ["ana"] });
    await server.control.config("SET", "maxmemory", "0");
    await two.shows({ "/cooking": ["ana", "bo"] });
    const reasons = one.logs.map((line) => (JSON.parse(line) as { reason: unknown }).reason);
    expect(reasons[0]).toMatch(/^[^\n]*OOM command not allowed[^\n]*$/);
    for (const secret of ["ana", "bo", "face.png"]) expect(one.logs.join()).not.toContain(secret);
    expect([two.left, two.gone]).toEqual([[], []]);
  });

  // Each breaks Redis until all leases have expired, and returns what mends it.
  const kill = async (server: RedisServer) => {
    await server.kill();
    const expiry = Date.now() + LEASE_MS; // no heartbeat renews them from now on
    await until("all leases have expired", () => Date.now() > expiry);
    return () => server.start();
  };
  const freeze = async (server: RedisServer, nodes: readonly Node[]) => {
    server.freeze();
    const haveFailed = () => nodes.every(({ failedHeartbeats }) => failedHeartbeats > 0);
    await until("heartbeats have timed out, which takes longer than a lease", haveFailed);
    return () => Promise.resolve(server.thaw());
  };
  const makeReadOnly = async ({ control }: RedisServer, nodes: readonly Node[]) => {
    await control.replicaof("127.0.0.1", 1);
    await until("heartbeats have failed for longer than a lease", () => nodes.every(isLeaseOver));
    return () => control.replicaof("NO", "ONE");
  };
  test.each([
    ["was away", kill],
    ["was frozen", freeze],
    ["was read-only", makeReadOnly],
  ])("%s for longer than a lease, no node is swept that returns with it", async (_name, breakRedis) => {
    const server = await RedisServer.start();
    const [one, two] = await twoNodes(server);
    const mend = await breakRedis(server, [one, two]);
    await mend();
    two.store.put("3", user("cy"), "/pets");
    for (const node of [one, two]) await node.shows({ "/cooking": ["ana"], "/pets": ["bo", "cy"] });
    expect([one.gone, two.gone]).toEqual([[], []]);
  });

  test("is unreachable at the start, a node shows its own clients and shares them later", async () => {
    const server = await RedisServer.start();
    await server.kill();
    const one = new Node(server.url, "chat");
    one.store.put("1", user("ana"), "/cooking");
    expect(shown(one.store)).toEqual({ "/cooking": ["ana"], "/pets": [] });
    await server.start();
    const other = new Node(server.url, "chat");
    await other.shows({ "/cooking": ["ana"] });
  });
});
