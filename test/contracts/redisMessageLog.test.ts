import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { StoreError, UnknownOffsetError, type StoredMessage } from "../../src/messageLog/messageLog";
import { Metrics } from "../../src/observability/metrics";
import { RedisMessageLog } from "../../src/messageLog/redis/redisMessageLog";
import type { ChatMessage } from "../../src/protocol/events";
import { describeMessageLog } from "./messageLogContract";
import { describeWithBinary } from "../support/binaries";
import { afterThisTest } from "../support/disposal";
import { RedisServer, sharedRedis } from "../support/redisServer";
import { TcpProxy } from "../support/tcpProxy";
import { until } from "../support/until";

const ROOMS = ["/cooking", "/pets"];
const ONCE = { idempotent: true };
const ALWAYS = { idempotent: false };

function logOn(
  url: string,
  keyPrefix: string,
  maxMessages = 1_000,
  metrics = new Metrics(),
): RedisMessageLog {
  const logger = pino({ level: "silent" });
  return new RedisMessageLog({
    redis: { url, keyPrefix, verifyTls: true },
    rooms: ROOMS,
    maxMessages,
    logger,
    metrics,
  });
}

/** One node's log, what it delivered, and how often it said that something is missing. */
class Node {
  readonly log: RedisMessageLog;
  readonly metrics = new Metrics();
  readonly delivered: StoredMessage[] = [];
  gaps = 0;

  private constructor(url: string, keyPrefix: string, maxMessages?: number) {
    this.log = logOn(url, keyPrefix, maxMessages, this.metrics);
  }

  static async start(url: string, keyPrefix: string, maxMessages?: number): Promise<Node> {
    const node = new Node(url, keyPrefix, maxMessages);
    afterThisTest(() => node.log.stop());
    await node.log.start(
      (stored) => node.delivered.push(stored),
      () => (node.gaps += 1),
    );
    return node;
  }

  texts(room = "/cooking"): string[] {
    return texts(this.delivered.filter((stored) => stored.room === room));
  }

  async isOpen(): Promise<void> {
    await until("the log is open", () => this.log.failure === undefined);
  }

  async has(...expected: string[]): Promise<void> {
    await until(`${expected.join(", ")} were delivered`, () => this.delivered.length >= expected.length);
    expect(this.texts()).toEqual(expected);
  }
}

function texts(messages: readonly { json: string }[]): string[] {
  return messages.map(({ json }) => (JSON.parse(json) as ChatMessage).message);
}

function message(text: string, room = "/cooking"): ChatMessage {
  const serverTimestamp = new Date().toISOString();
  return {
    message: text,
    username: "ana",
    chatRoom: { label: room, name: room },
    uuid: text,
    serverTimestamp,
  };
}

describeWithBinary("redis-server", "with one Redis", () => {
  const redis = sharedRedis();
  let prefix: string;
  beforeEach(() => {
    prefix = randomUUID(); // what the test before left open must not meet this one
  });

  describeMessageLog("redis", () => ({
    create: (maxMessages) => logOn(redis().url, prefix, maxMessages),
    loseStore: async () => void (await redis().control.flushall()),
    breakStore: (log) => {
      redis().freeze();
      return async () => {
        redis().thaw();
        await until("the log is open again", () => (log as RedisMessageLog).failure === undefined);
      };
    },
  }));

  test("two nodes deliver everything in one order, whoever sends what to whom", async () => {
    const [one, other] = await Promise.all([
      Node.start(redis().url, prefix),
      Node.start(redis().url, prefix),
    ]);
    const sending = Array.from({ length: 600 }, (_, index) =>
      (index % 2 ? one : other).log.append(message(String(index), ROOMS[index % 3 ? 0 : 1]), ONCE),
    );
    const receipts = await Promise.all(sending);
    await until("both have all", () => one.delivered.length === 600 && other.delivered.length === 600);
    for (const room of ROOMS) {
      const ofRoom = ({ delivered }: Node) => delivered.filter((stored) => stored.room === room);
      expect(ofRoom(one)).toEqual(ofRoom(other));
      expect(one.log.head(room)).toBe(other.log.head(room));
      expect((await other.log.read(room, { limit: 600 })).messages).toEqual(ofRoom(one));
    }
    expect(new Set(receipts.map(({ offset }) => offset)).size).toBe(600);
    expect(one.gaps + other.gaps).toBe(0);
  });

  test("a key is one on all nodes, also for appends at the same time", async () => {
    const [one, other] = await Promise.all([
      Node.start(redis().url, prefix),
      Node.start(redis().url, prefix),
    ]);
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).log.append(message("hello"), ONCE)),
    );
    expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(receipts.map(({ offset }) => offset)).size).toBe(1);
    for (const node of [one, other]) await node.has("hello");
  });

  test("a node that was cut off from Redis refuses meanwhile, and then catches up", async () => {
    const proxy = await TcpProxy.to(redis().port);
    const cutOff = await Node.start(`redis://127.0.0.1:${String(proxy.port)}`, prefix);
    const other = await Node.start(redis().url, prefix);
    await other.log.append(message("1"), ONCE);
    await cutOff.has("1");
    proxy.cut();
    for (const text of ["2", "3", "4"]) await other.log.append(message(text), ONCE);
    await expect(cutOff.log.append(message("refused"), ONCE)).rejects.toThrow(StoreError);
    expect(cutOff.texts()).toEqual(["1"]);
    proxy.mend();
    await cutOff.has("1", "2", "3", "4");
    await cutOff.isOpen();
    expect(await cutOff.log.append(message("5"), ONCE)).toMatchObject({ duplicate: false });
    await other.has("1", "2", "3", "4", "5");
    expect(cutOff.delivered).toEqual(other.delivered);
    expect(cutOff.gaps).toBe(0);
  });

  test("an offset from a node that is ahead is good on one that lags, which waits until it is there", async () => {
    const proxy = await TcpProxy.to(redis().port);
    const lagging = await Node.start(`redis://127.0.0.1:${String(proxy.port)}`, prefix);
    const ahead = await Node.start(redis().url, prefix);
    await ahead.log.append(message("1"), ONCE);
    await lagging.has("1");
    proxy.cut();
    const { offset } = await ahead.log.append(message("2"), ONCE);
    await expect(lagging.log.read("/cooking", { after: offset, limit: 9 })).rejects.toThrow(StoreError);
    proxy.mend();
    const read = (request: object) => lagging.log.read("/cooking", { ...request, limit: 9 });
    const isReadable = () =>
      read({ after: offset }).then(
        ({ messages }) => messages.length === 0,
        (error: unknown) => {
          if (error instanceof UnknownOffsetError) throw error; // a client would be told that it has lost its place
          return false;
        },
      );
    await until("the offset is good", isReadable);
    await lagging.has("1", "2");
    expect(texts((await read({ before: offset })).messages)).toEqual(["1"]);
    const beyond = offset.replace(/[^-]*$/, "zz");
    await expect(read({ after: beyond })).rejects.toThrow(UnknownOffsetError);
    await expect(read({ before: beyond })).rejects.toThrow(UnknownOffsetError);
  });

  test("a line that dies without a sign is given up, and a new one carries everything again", async () => {
    const proxy = await TcpProxy.to(redis().port);
    const node = await Node.start(`redis://127.0.0.1:${String(proxy.port)}`, prefix);
    await node.log.append(message("1"), ONCE);
    proxy.silence();
    await expect(node.log.append(message("refused"), ONCE)).rejects.toThrow(StoreError);
    await expect(node.log.read("/cooking", { limit: 1 })).rejects.toThrow(StoreError);
    proxy.mend();
    await node.isOpen();
    const isReadable = () => node.log.read("/cooking", { limit: 9 }).then(() => true, () => false); // prettier-ignore
    await until("pages can be read", isReadable);
    expect(await node.log.append(message("2"), ONCE)).toMatchObject({ duplicate: false });
    await node.has("1", "2");
  });

  test("a node whose unread messages were trimmed says so, and goes on with what is kept", async () => {
    const proxy = await TcpProxy.to(redis().port);
    const cutOff = await Node.start(`redis://127.0.0.1:${String(proxy.port)}`, prefix, 5);
    const other = await Node.start(redis().url, prefix, 5);
    const first = await other.log.append(message("first"), ONCE);
    await cutOff.has("first");
    proxy.cut();
    for (let i = 1; i <= 20; i += 1) await other.log.append(message(String(i)), ONCE);
    proxy.mend();
    await cutOff.has("first", "16", "17", "18", "19", "20");
    expect(cutOff.gaps).toBe(1);
    expect(await cutOff.metrics.text()).toContain("chat_log_gaps_total 1\n");
    await expect(cutOff.log.read("/cooking", { after: first.offset, limit: 50 })).rejects.toThrow(
      UnknownOffsetError,
    );
  });

  test("what others write into a stream is passed over and counted", async () => {
    const node = await Node.start(redis().url, prefix);
    await node.log.append(message("1"), ONCE);
    const stream = `${prefix}:{/cooking}:messages`;
    const { control } = redis();
    const json = JSON.stringify(message("forged"));
    const elsewhere = JSON.stringify(message("forged", "/pets"));
    await control.xadd(stream, "2-0", "e", "0123456789ab", "p", "1", "m", "{");
    await control.xadd(stream, "3-0", "e", "0123456789ab", "p", "1", "m", '{"message":1}');
    await control.xadd(stream, "4-0", "e", "0123456789ab", "p", "1", "m", elsewhere);
    await control.xadd(stream, "5-0", "e", "0123456789ab", "p", "1", "m", "null");
    await control.xadd(stream, "6-0", "m", json);
    await control.xadd(stream, "7-0", "e", "x", "p", "1", "m", json);
    await control.xadd(stream, "8-1", "e", "0123456789ab", "p", "1", "m", json);
    await control.xadd(stream, "9-0", "e", "0123456789ab", "p", "1", "m", `${json}${" ".repeat(70_000)}`);
    await control.xadd(stream, "*", "temperature", "19.8");
    const receipt = await node.log.append(message("2"), ONCE);
    await node.has("1", "2");
    expect(await node.metrics.text()).toContain("chat_log_foreign_entries_total 9\n");
    expect(node.gaps).toBe(0);

    const { messages, before } = await node.log.read("/cooking", { limit: 2 });
    expect(texts(messages)).toEqual(["1", "2"]);
    expect(before).toBeNull();
    const after = await node.log.read("/cooking", { after: String(messages[0]?.offset), limit: 5 });
    expect(after.messages.map(({ offset }) => offset)).toEqual([receipt.offset]);
    const late = await Node.start(redis().url, prefix);
    await late.log.append(message("3"), ONCE);
    await node.has("1", "2", "3");
    expect(late.texts()).toEqual(["3"]);
  });

  test("something else in a room's place fails that room alone", async () => {
    const node = await Node.start(redis().url, prefix);
    await redis().control.set(`${prefix}:{/pets}:messages`, "not a stream");
    await expect(node.log.append(message("1", "/pets"), ONCE)).rejects.toThrow(StoreError);
    await redis().control.del(`${prefix}:{/pets}:messages`);
    await node.isOpen();
    expect(await node.log.append(message("2"), ONCE)).toMatchObject({ duplicate: false });
  });
});

describeWithBinary("redis-server", "when Redis", () => {
  async function start(): Promise<{ server: RedisServer; one: Node; other: Node; offset: string }> {
    const server = await RedisServer.start();
    const one = await Node.start(server.url, "chat");
    const other = await Node.start(server.url, "chat");
    const { offset } = await one.log.append(message("1"), ONCE);
    await one.log.append(message("2"), ONCE);
    await other.has("1", "2");
    return { server, one, other, offset };
  }

  test("is killed and restarted with its data, offsets and keys stay good", async () => {
    const { server, one, other, offset } = await start();
    await server.kill();
    await expect(one.log.append(message("refused"), ONCE)).rejects.toThrow(StoreError);
    await server.start();
    await Promise.all([one.isOpen(), other.isOpen()]);
    expect(await other.log.append(message("1"), ONCE)).toMatchObject({ offset, duplicate: true });
    await one.log.append(message("3"), ONCE);
    await other.has("1", "2", "3");
    expect(texts((await other.log.read("/cooking", { after: offset, limit: 9 })).messages)).toEqual([
      "2",
      "3",
    ]);
    expect(one.gaps + other.gaps).toBe(0);
  });

  test("is killed and restarted without its data, the log begins anew and nothing is said to be missing", async () => {
    const { server, one, other, offset } = await start();
    await server.kill();
    await server.startEmpty();
    await Promise.all([one.isOpen(), other.isOpen()]);
    await expect(one.log.read("/cooking", { after: offset, limit: 9 })).rejects.toThrow(UnknownOffsetError);
    const head = one.log.head("/cooking");
    expect(other.log.head("/cooking")).toBe(head);
    const receipt = await other.log.append(message("3"), ONCE);
    await one.has("1", "2", "3");
    await other.has("1", "2", "3");
    expect(one.delivered.at(-1)?.offset).toBe(receipt.offset);
    expect(texts((await one.log.read("/cooking", { after: head, limit: 9 })).messages)).toEqual(["3"]);
    expect(one.gaps + other.gaps).toBe(0);
  });

  test("comes back with older data, what it lost is never mistaken for what came later", async () => {
    const { server, one, other, offset } = await start();
    await server.kill();
    server.backUp();
    await server.start();
    await Promise.all([one.isOpen(), other.isOpen()]);
    const lost = [];
    for (const text of ["3", "4", "5"]) lost.push(await one.log.append(message(text), ONCE));
    await other.has("1", "2", "3", "4", "5");
    await server.kill();
    server.restore();
    await server.start();
    await Promise.all([one.isOpen(), other.isOpen()]);
    for (const text of ["6", "7", "8"]) await other.log.append(message(text), ONCE);
    await one.has("1", "2", "3", "4", "5", "6", "7", "8");
    for (const node of [one, other]) {
      for (const stale of [offset, ...lost.map((receipt) => receipt.offset)]) {
        await expect(node.log.read("/cooking", { after: stale, limit: 9 })).rejects.toThrow(
          UnknownOffsetError,
        );
      }
    }
    const { messages } = await one.log.read("/cooking", { limit: 9 });
    expect(texts(messages)).toEqual(["1", "2", "6", "7", "8"]);
    const second = String(messages[1]?.offset);
    expect(texts((await other.log.read("/cooking", { after: second, limit: 9 })).messages)).toEqual([
      "6",
      "7",
      "8",
    ]);
    expect(one.gaps + other.gaps).toBe(0);
  });

  test("comes back with older data and a new node is first to write, the others lose nothing of it", async () => {
    const { server, one } = await start();
    const proxy = await TcpProxy.to(server.port);
    const late = await Node.start(`redis://127.0.0.1:${String(proxy.port)}`, "chat");
    await server.kill();
    server.backUp();
    await server.start();
    await Promise.all([one.isOpen(), late.isOpen()]);
    for (const text of ["3", "4"]) await one.log.append(message(text), ONCE);
    await until("the late one has both", () => late.delivered.length === 2);
    proxy.cut();
    await one.log.stop();
    await server.kill();
    server.restore();
    await server.start();
    const newcomer = await Node.start(server.url, "chat");
    for (const text of ["5", "6", "7", "8"]) await newcomer.log.append(message(text), ONCE);
    proxy.mend();
    await until("the late one has all", () => late.delivered.length === 6);
    expect(late.texts()).toEqual(["3", "4", "5", "6", "7", "8"]);
    expect(late.delivered.slice(2)).toEqual(newcomer.delivered);
    expect(late.gaps).toBe(0);
  });

  test("loses messages unnoticed by the first to come, those who know more say that there is a gap", async () => {
    const { server, one, other } = await start();
    const stream = "chat:{/cooking}:messages";
    await server.control.xtrim(stream, "MAXLEN", 0);
    await server.control.hset("chat:{/cooking}:log", "last", "1"); // as if the second message had been lost
    await server.control.xsetid(stream, "1-0");
    await server.control.call("CLIENT", "KILL", "TYPE", "normal");
    await until("both know", () => one.gaps === 1 && other.gaps === 1);
    await Promise.all([one.isOpen(), other.isOpen()]);
    await one.log.append(message("3"), ONCE);
    await one.has("1", "2", "3");
  });

  test("is frozen, senders are refused within 2 s and nothing of theirs is stored later", async () => {
    const { server, one, other } = await start();
    server.freeze();
    const start_ = performance.now();
    await expect(one.log.append(message("refused", "/pets"), ALWAYS)).rejects.toThrow(StoreError);
    await expect(one.log.append(message("refused"), ONCE)).rejects.toThrow(StoreError);
    await expect(one.log.read("/cooking", { limit: 1 })).rejects.toThrow(StoreError);
    expect(performance.now() - start_).toBeLessThan(4_500);
    expect(one.log.failure).toBe("Redis does not answer");
    server.thaw();
    await Promise.all([one.isOpen(), other.isOpen()]);
    expect(await one.log.append(message("refused"), ONCE)).toMatchObject({ duplicate: false });
    await one.has("1", "2", "refused");
    await other.has("1", "2", "refused");
    expect(one.texts("/pets")).toEqual([]);
  });

  test.each([
    ["is full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
    ["is read-only", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
  ])("%s, senders are refused, all else goes on, and it recovers", async (_name, breakIt, mendIt) => {
    const { server, one, other } = await start();
    const call = async ([command = "", ...args]: string[]) => void (await server.control.call(command, args));
    await call(breakIt);
    await expect(one.log.append(message("3"), ONCE)).rejects.toThrow(StoreError);
    await expect(one.log.append(message("3"), ONCE)).rejects.toThrow(StoreError);
    expect(one.log.failure).toBe("Redis refuses to store");
    expect(texts((await one.log.read("/cooking", { limit: 9 })).messages)).toEqual(["1", "2"]);
    await call(mendIt);
    await one.isOpen();
    expect(await one.log.append(message("3"), ONCE)).toMatchObject({ duplicate: false });
    await other.has("1", "2", "3");
  });

  test("is not there yet, the log waits for it, and can be stopped meanwhile", async () => {
    const server = await RedisServer.start();
    await server.kill();
    const impatient = logOn(server.url, "chat");
    const gaveUp = expect(impatient.start(() => undefined)).rejects.toThrow(StoreError);
    await impatient.stop();
    await gaveUp;
    const waiting = Node.start(server.url, "chat");
    await server.start();
    await (await waiting).log.append(message("1"), ONCE);
  });
});
