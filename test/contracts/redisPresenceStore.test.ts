import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { RedisPresenceStore } from "../../src/presence/redis/redisPresenceStore";
import { RedisNodeBus } from "../../src/nodes/redisNodeBus";
import { describePresenceStore, PRESENCE_ROOMS, shown, user } from "./presenceStoreContract";
import { describeWithBinary } from "../support/binaries";
import { afterThisTest } from "../support/disposal";
import { RedisServer, sharedRedis } from "../support/redisServer";
import { TcpProxy } from "../support/tcpProxy";
import { until } from "../support/until";

const LEASE = 600; // ms; short, for tests wait for it
const BEAT = 150;

/** One node's presence; `busUrl`: when its messages to other nodes take another way than its data. */
class Node {
  readonly store: RedisPresenceStore;
  readonly bus: RedisNodeBus;
  readonly gone: string[] = [];
  /** Ids of clients that were told to have left, while somebody else may still have them. */
  readonly left: string[] = [];
  readonly logs: string[] = [];

  constructor(url: string, keyPrefix: string, { busUrl = url } = {}) {
    const logger = pino({ level: "info" }, { write: (line) => this.logs.push(line) });
    const redis = { url, keyPrefix, verifyTls: true };
    this.bus = new RedisNodeBus({ ...redis, url: busUrl });
    const options = {
      redis,
      bus: this.bus,
      roomNames: PRESENCE_ROOMS,
      logger,
      leaseMs: LEASE,
      heartbeatMs: BEAT,
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
    prefix = randomUUID(); // what the test before left open must not meet this one
  });

  describePresenceStore("redis", (roomNames) => {
    const settings = { url: redis().url, keyPrefix: prefix, verifyTls: true };
    const bus = new RedisNodeBus(settings);
    bus.start();
    afterThisTest(() => bus.stop());
    return new RedisPresenceStore({ redis: settings, bus, roomNames, logger: pino({ level: "silent" }) });
  });

  test("all nodes show everybody, in one order of arrival, through joins, moves and leaves", async () => {
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

  test("who leaves a room and comes back stands at its end everywhere, also when only the end was told", async () => {
    const nodes = [new Node(redis().url, prefix), new Node(redis().url, prefix)];
    nodes[0]?.store.put("1", user("ana"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["ana"] });
    nodes[1]?.store.put("2", user("bo"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["ana", "bo"] });
    nodes[0]?.store.put("1", user("ana"), "/pets");
    nodes[0]?.store.put("1", user("ana"), "/cooking");
    for (const node of nodes) await node.shows({ "/cooking": ["bo", "ana"] });
  });

  test("a node that comes later shows who was there before, in the order in which they came", async () => {
    const one = new Node(redis().url, prefix);
    const two = new Node(redis().url, prefix);
    for (let i = 0; i < 20; i += 1) (i % 2 ? one : two).store.put(String(i), user(`u${String(i)}`), "/pets");
    const late = new Node(redis().url, prefix);
    late.store.put("late", user("late"), "/pets");
    const names = Array.from({ length: 20 }, (_, i) => `u${String(i)}`);
    const everybody = (node: Node) => [...(shown(node.store)["/pets"] ?? [])].sort().join();
    for (const node of [one, two, late]) {
      await until("all are shown", () => everybody(node) === [...names, "late"].sort().join());
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

  test("a node that comes later shows thousands who were there before", async () => {
    const one = new Node(redis().url, prefix);
    for (let i = 0; i < 10_000; i += 1) one.store.put(String(i), user(`u${String(i)}`), "/pets");
    const { nodeId } = one.bus;
    const stored = () => redis().control.hlen(`${prefix}:{presence}:clients:${nodeId}`);
    await until("all are stored", async () => (await stored()) === 10_000);
    const late = new Node(redis().url, prefix);
    await until("all are shown", () => shown(late.store)["/pets"]?.length === 10_000);
    expect(late.store.toJson()).toBe(one.store.toJson());
  });

  test("a node that stops takes its clients along at once", async () => {
    const staying = new Node(redis().url, prefix);
    const leaving = new Node(redis().url, prefix);
    leaving.store.put("1", user("ana"), "/cooking");
    await staying.shows({ "/cooking": ["ana"] });
    await leaving.store.stop();
    await staying.shows({});
    expect(staying.gone).toEqual([leaving.bus.nodeId]);
    expect(await redis().control.keys(`${prefix}:*${leaving.bus.nodeId}*`)).toEqual([]);
  });

  test("of a node that vanishes the clients go with its lease, swept by one of the others alone", async () => {
    const survivors = [1, 2, 3].map(() => new Node(redis().url, prefix));
    const proxy = await TcpProxy.to(redis().port);
    const cutOff = new Node(`redis://127.0.0.1:${String(proxy.port)}`, prefix);
    cutOff.store.put("1", user("ana"), "/cooking");
    for (const node of survivors) await node.shows({ "/cooking": ["ana"] });
    proxy.cut();
    for (const node of survivors) await node.shows({});
    const isSwept = (line: string) => line.includes("node swept");
    const sweeps = () => survivors.flatMap(({ logs }) => logs.filter(isSwept));
    await until("it was swept", () => sweeps().length > 0);
    await until("all know", () => survivors.every(({ gone }) => gone.includes(cutOff.bus.nodeId)));
    expect(sweeps()).toHaveLength(1);
    expect(await redis().control.keys(`${prefix}:*${cutOff.bus.nodeId}*`)).toEqual([]);

    // Cut off, it goes on with what it knows, and is back with all it has when the line is.
    cutOff.store.put("2", user("bo"), "/pets");
    expect(shown(cutOff.store)).toEqual({ "/cooking": ["ana"], "/pets": ["bo"] });
    survivors[0]?.store.put("3", user("cy"), "/pets");
    proxy.mend();
    const both = JSON.stringify({ "/cooking": ["ana"], "/pets": ["bo", "cy"] });
    for (const node of [...survivors, cutOff]) {
      await until("all are shown", () => JSON.stringify(shown(node.store)) === both);
    }
  });

  test("a node that was swept while it stood still registers again", async () => {
    const survivor = new Node(redis().url, prefix);
    const still = new Node(redis().url, prefix);
    still.store.put("1", user("ana"), "/cooking");
    await survivor.shows({ "/cooking": ["ana"] });
    // As the survivor does it: what the other one finds is the same.
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

  test("when what nodes tell each other is lost, the next beat finds out", async () => {
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

  test("what others write or publish in its place is not shown", async () => {
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
  test("loses its data, all nodes register again", async () => {
    const server = await RedisServer.start();
    const nodes = [new Node(server.url, "chat"), new Node(server.url, "chat")];
    nodes[0]?.store.put("1", user("ana"), "/cooking");
    nodes[1]?.store.put("2", user("bo"), "/pets");
    const all = { "/cooking": ["ana"], "/pets": ["bo"] };
    for (const node of nodes) await node.shows(all);
    await server.kill();
    nodes[0]?.store.put("3", user("cy"), "/pets");
    await server.startEmpty();
    for (const node of nodes) await node.shows({ ...all, "/pets": ["bo", "cy"] });
    expect(nodes.map(({ left }) => left)).toEqual([[], []]);
    expect(await server.control.hlen("chat:{presence}:nodes")).toBe(2);
  });

  test("is full, nobody vanishes from the other nodes", async () => {
    const server = await RedisServer.start();
    const [one, two] = [new Node(server.url, "chat"), new Node(server.url, "chat")];
    one.store.put("1", user("ana"), "/cooking");
    await two.shows({ "/cooking": ["ana"] });
    await server.control.config("SET", "maxmemory", "1");
    one.store.put("2", user("bo"), "/cooking");
    const isLeaseOver = () =>
      one.logs.filter((line) => line.includes("presence is not shared")).length > LEASE / BEAT + 2;
    await until("more beats have failed than a lease has", isLeaseOver);
    await two.shows({ "/cooking": ["ana"] });
    await server.control.config("SET", "maxmemory", "0");
    await two.shows({ "/cooking": ["ana", "bo"] });
    expect([two.left, two.gone]).toEqual([[], []]);
  });

  const kill = async (server: RedisServer) => {
    await server.kill();
    return () => server.start();
  };
  const freeze = (server: RedisServer) => {
    server.freeze();
    return () => server.thaw();
  };
  const makeReadOnly = async ({ control }: RedisServer) => {
    await control.replicaof("127.0.0.1", 1);
    return () => control.replicaof("NO", "ONE");
  };
  test.each([
    ["was away", kill],
    ["was frozen", freeze],
    ["was read-only", makeReadOnly],
  ])("%s for longer than a lease, nobody is swept who comes back with it", async (_name, breakIt) => {
    const server = await RedisServer.start();
    const nodes = [new Node(server.url, "chat"), new Node(server.url, "chat")];
    nodes[0]?.store.put("1", user("ana"), "/cooking");
    nodes[1]?.store.put("2", user("bo"), "/pets");
    const all = { "/cooking": ["ana"], "/pets": ["bo"] };
    for (const node of nodes) await node.shows(all);
    const mend = await breakIt(server);
    await new Promise((resolve) => setTimeout(resolve, 4 * LEASE));
    await mend();
    nodes[1]?.store.put("3", user("cy"), "/pets");
    for (const node of nodes) await node.shows({ ...all, "/pets": ["bo", "cy"] });
    expect(nodes.flatMap(({ gone }) => gone)).toEqual([]);
  });

  test("is not there at the start, a node keeps its own and shares them later", async () => {
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
