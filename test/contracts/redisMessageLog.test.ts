import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { StoreError, UnknownOffsetError, type StoredMessage } from "../../src/messageLog/messageLog";
import { ClientEventLog } from "../../src/observability/logger";
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
  const redis = { url, keyPrefix, verifyTls: true };
  const log = new ClientEventLog(pino({ level: "silent" }));
  return new RedisMessageLog({ redis, rooms: ROOMS, maxMessages, log, metrics });
}

/** The log of one node, with the messages it delivered and the number of gaps it reported. */
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
    prefix = randomUUID(); // connections of an earlier test must not touch the keys of this one
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

  test("two nodes deliver all messages in the same order, also while both append", async () => {
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

  test("the page before the head of an empty room is empty", async () => {
    const { log } = await Node.start(redis().url, prefix);
    const page = await log.read("/cooking", { before: log.head("/cooking"), limit: 9 });
    expect(page).toEqual({ messages: [], before: null, after: null });
  });

  test("a key is the same on all nodes, also for concurrent appends", async () => {
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

  test("a node that is cut off from Redis refuses appends, and catches up when the connection is back", async () => {
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

  test("an offset from a node that is ahead is valid on a node that lags, which waits until it has caught up", async () => {
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
          if (error instanceof UnknownOffsetError) throw error; // the client would lose its place
          return false;
        },
      );
    await until("the offset is readable", isReadable);
    await lagging.has("1", "2");
    expect(texts((await read({ before: offset })).messages)).toEqual(["1"]);
    const beyond = offset.replace(/[^-]*$/, "zz");
    await expect(read({ after: beyond })).rejects.toThrow(UnknownOffsetError);
    await expect(read({ before: beyond })).rejects.toThrow(UnknownOffsetError);
  });

  test("a connection that dies silently is closed, and a new one replaces it", async () => {
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

  test("a node whose unread messages were trimmed reports a gap, and continues with the messages that are kept", async () => {
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

  test("entries that other programs write to a stream are skipped and counted", async () => {
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

  test("a page that is limited in bytes reads on after entries of other programs, however long they are", async () => {
    const node = await Node.start(redis().url, prefix);
    const first = await node.log.append(message("1"), ONCE);
    const stream = `${prefix}:{/cooking}:messages`;
    const json = `{${" ".repeat(60_000)}`;
    for (const id of ["2-0", "3-0"])
      await redis().control.xadd(stream, id, "e", "0123456789ab", "p", "1", "m", json);
    await redis().control.xadd(stream, "4-0", "e", "0123456789ab", "p", "1", "m", json.repeat(9));
    for (const text of ["2", "3"]) await node.log.append(message(text), ONCE);
    await node.has("1", "2", "3");
    const after = { limit: 9, maxBytes: 100_000, after: first.offset };
    expect(texts((await node.log.read("/cooking", after)).messages)).toEqual(["2", "3"]);
    const newest = await node.log.read("/cooking", { limit: 9, maxBytes: 400 });
    expect(texts(newest.messages)).toEqual(["2", "3"]);
    expect(newest.before).toBe(newest.messages[0]?.offset);
  });

  test("a key of another type in place of a room's stream fails that room only", async () => {
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

  test("is killed and restarts with its data, offsets and idempotency keys stay valid", async () => {
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

  test("is killed and restarts without its data, a new epoch begins and no gap is reported", async () => {
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

  test("restarts with older data, the offsets of lost messages are never valid for later ones", async () => {
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

  test("restarts with older data and a new node opens it first, the other nodes miss no message", async () => {
    const { server, one } = await start();
    const proxy = await TcpProxy.to(server.port);
    const late = await Node.start(`redis://127.0.0.1:${String(proxy.port)}`, "chat");
    await server.kill();
    server.backUp();
    await server.start();
    await Promise.all([one.isOpen(), late.isOpen()]);
    for (const text of ["3", "4"]) await one.log.append(message(text), ONCE);
    await until("the late node has both messages", () => late.delivered.length === 2);
    proxy.cut();
    await one.log.stop();
    await server.kill();
    server.restore();
    await server.start();
    const newcomer = await Node.start(server.url, "chat");
    for (const text of ["5", "6", "7", "8"]) await newcomer.log.append(message(text), ONCE);
    proxy.mend();
    await until("the late node has all messages", () => late.delivered.length === 6);
    expect(late.texts()).toEqual(["3", "4", "5", "6", "7", "8"]);
    expect(late.delivered.slice(2)).toEqual(newcomer.delivered);
    expect(late.gaps).toBe(0);
  });

  test("loses messages and nodes append before the loss is noticed, the nodes that know more report a gap", async () => {
    const { server, one, other } = await start();
    const stream = "chat:{/cooking}:messages";
    await server.control.xtrim(stream, "MAXLEN", 0);
    await server.control.hset("chat:{/cooking}:log", "last", "1"); // as if Redis had lost the second message
    await server.control.xsetid(stream, "1-0");
    await server.control.call("CLIENT", "KILL", "TYPE", "normal");
    await until("both nodes report the gap", () => one.gaps === 1 && other.gaps === 1);
    await Promise.all([one.isOpen(), other.isOpen()]);
    await one.log.append(message("3"), ONCE);
    await one.has("1", "2", "3");
  });

  test("is frozen, appends are refused within 2 s and their messages are not stored later", async () => {
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
  ])("%s, appends are refused, reads still work, and the log recovers", async (_name, breakIt, repairIt) => {
    const { server, one, other } = await start();
    const call = async ([command = "", ...args]: string[]) => void (await server.control.call(command, args));
    await call(breakIt);
    await expect(one.log.append(message("3"), ONCE)).rejects.toThrow(StoreError);
    await expect(one.log.append(message("3"), ONCE)).rejects.toThrow(StoreError);
    expect(one.log.failure).toBe("Redis refuses to store");
    expect(texts((await one.log.read("/cooking", { limit: 9 })).messages)).toEqual(["1", "2"]);
    await call(repairIt);
    await one.isOpen();
    expect(await one.log.append(message("3"), ONCE)).toMatchObject({ duplicate: false });
    await other.has("1", "2", "3");
  });

  test("is not running yet, the log waits for it, and can be stopped while it waits", async () => {
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
