import { Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { ChatClient } from "../../src/client/chatClient";
import { describeWithBinary, findBinary } from "../support/binaries";
import { wholeHistory } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { freePort } from "../support/freePort";
import { startNginx } from "../support/nginx";
import { RedisServer } from "../support/redisServer";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { ServiceProcess } from "../support/serviceProcess";
import { until } from "../support/until";

const CLIENTS = 12;
const PAUSE_AFTER_ACK_MS = 20; // shapes the load; no assertion depends on it
const MAX_WAIT_MS = 5_000;

/** A client that sends without end and records what it receives and its longest waits. */
class Member {
  readonly client: ChatClient;
  readonly received: string[] = [];
  acked = 0;
  longestAckMs = 0;
  longestOfflineMs = 0;
  readonly sending: Promise<void>;
  #offlineSince: number | undefined;
  #isStopping = false;

  constructor(url: string, index: number) {
    // Each has an address of its own, because nginx chooses the node by address.
    const agent = new Agent({ localAddress: `127.0.0.${String(10 + index)}`, keepAlive: true });
    const socketOptions = {
      agent: agent as never,
      transports: index % 3 === 0 ? ["polling"] : ["websocket"],
    };
    this.client = new ChatClient(url, { username: `member ${String(index)}`, socketOptions });
    this.client.on("message", ({ message }) => this.received.push(message));
    this.client.on("status", ({ state }) => this.#onState(state === "online"));
    this.client.connect();
    afterThisTest(() => this.client.close());
    this.sending = this.#send(index);
  }

  stop(): void {
    this.#isStopping = true;
  }

  #onState(isOnline: boolean): void {
    const now = performance.now();
    if (!isOnline) this.#offlineSince ??= now;
    else if (this.#offlineSince !== undefined) {
      this.longestOfflineMs = Math.max(this.longestOfflineMs, now - this.#offlineSince);
      this.#offlineSince = undefined;
    }
  }

  async #send(index: number): Promise<void> {
    for (let i = 0; !this.#isStopping; i += 1) {
      const start = performance.now();
      await this.client.send("/cooking", `${String(index)}.${String(i)}`);
      this.longestAckMs = Math.max(this.longestAckMs, performance.now() - start);
      this.acked += 1;
      await pause(PAUSE_AFTER_ACK_MS);
    }
  }
}

const binary = findBinary("nginx") === undefined ? "nginx" : "redis-server";

describeWithBinary(binary, "two nodes behind nginx", () => {
  test("restarted one after the other under load, lose no message and keep no client waiting for more than 5 s", async () => {
    const redis = await RedisServer.start();
    const env = { ...NO_RATE_LIMITS, REDIS_URL: redis.url, TRUST_PROXY: "1" };
    const ports = [await freePort(), await freePort()];
    const start = (port: number) => ServiceProcess.start({ ...env, PORT: String(port) });
    const nodes = await Promise.all(ports.map(start));
    const url = await startNginx(ports);
    const members = Array.from({ length: CLIENTS }, (_, index) => new Member(url, index));
    const allSent = async (more: number) => {
      const goals = members.map(({ acked }) => acked + more);
      await until(
        "all have sent more",
        () => members.every(({ acked }, i) => acked >= (goals[i] ?? 0)),
        20_000,
      );
    };
    await allSent(20);
    for (const [index, node] of nodes.entries()) {
      const served = node.lines.filter(({ msg }) => msg === "connected").length;
      expect(served).toBeGreaterThan(0);
      node.child.kill("SIGTERM");
      expect(await node.exited).toEqual({ code: 0, signal: null });
      await start(ports[index] ?? 0);
      await allSent(20);
    }
    for (const member of members) member.stop();
    await Promise.all(members.map(({ sending }) => sending));

    const history = (await wholeHistory(url)).map(({ message }) => message);
    expect(history).toHaveLength(members.reduce((sum, { acked }) => sum + acked, 0));
    expect(new Set(history).size).toBe(history.length);
    for (const { received } of members) {
      await until(
        "all messages are received",
        () => received.length >= history.length - history.indexOf(received[0] ?? ""),
      );
      expect(received).toEqual(history.slice(history.indexOf(received[0] ?? "")));
    }
    const longestMs = Math.max(
      ...members.flatMap(({ longestAckMs, longestOfflineMs }) => [longestAckMs, longestOfflineMs]),
    );
    expect(longestMs).toBeLessThan(MAX_WAIT_MS);
  }, 60_000);
});
