import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { App } from "../../src/app";
import { ChatService } from "../../src/chat/chatService";
import { RateLimit } from "../../src/access/rateLimit";
import { DEFAULT_ROOMS, Rooms } from "../../src/protocol/rooms";
import { loadConfig } from "../../src/config";
import { createHttpApp } from "../../src/http/routes";
import { Origins } from "../../src/access/origins";
import { ClientEventLog, createLogger } from "../../src/observability/logger";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { Metrics } from "../../src/observability/metrics";
import { Readiness } from "../../src/http/readiness";
import { ask, newMessage, sendAcked } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { logInto, startService } from "../support/service";
import { smallDisk } from "../support/smallDisk";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

interface Answer {
  status: number;
  body: unknown;
}

const READY: Answer = { status: 200, body: { data: { status: "ready" }, error: null } };

function notReady(...errors: string[]): Answer {
  return {
    status: 503,
    body: { data: null, error: { message: "Service is not ready", status: 503, errors } },
  };
}

async function get(url: string): Promise<Answer> {
  const answer = await fetch(url);
  return { status: answer.status, body: await answer.json() };
}

/** Returns the statuses of a polling and a websocket handshake. */
async function handshakes(url: string): Promise<number[]> {
  return [await RawPolling.statusOf(url), await RawWebSocket.statusOf(url)];
}

/** The parts of the service on a server that listens already, with a message log that is not open yet. */
async function assembled(): Promise<{ chat: ChatService; readiness: Readiness; url: string }> {
  const messageLog = new EmbeddedMessageLog({ directory: temporaryDirectory(), maxMessages: 10 });
  const readiness = new Readiness(messageLog);
  const http = createHttpApp({
    rooms: new Rooms(DEFAULT_ROOMS),
    origins: new Origins([]),
    messageLog,
    readiness,
    metrics: new Metrics(),
    metricsToken: undefined,
    authenticator: undefined,
    chatPage: false,
    historyLimit: new RateLimit(0, 1),
    trustProxy: 0,
    log: new ClientEventLog(createLogger("silent")),
  });
  const server = createServer(http);
  const chat = new ChatService({ server, messageLog, acceptableOrigins: [] });
  server.listen(0);
  await once(server, "listening");
  afterThisTest(async () => {
    await chat.close();
    server.close();
    await messageLog.stop();
  });
  return { chat, readiness, url: `http://localhost:${String((server.address() as AddressInfo).port)}` };
}

describe("before the log is open", () => {
  test("/readyz answers that the service is starting, while /healthz answers 200", async () => {
    const { chat, readiness, url } = await assembled();
    expect(await get(`${url}/readyz`)).toEqual(notReady("starting", "message log: not open"));
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 });
    await chat.start();
    expect(await get(`${url}/readyz`)).toEqual(notReady("starting"));
    readiness.markServing();
    expect(await get(`${url}/readyz`)).toEqual(READY);
  });

  test("handshakes are refused, and the same client is admitted afterwards", async () => {
    const { chat, url } = await assembled();
    expect(await handshakes(url)).toEqual([503, 503]);
    expect(await get(`${url}/socket.io/?EIO=4&transport=polling`)).toEqual(notReady());
    const client = TestClient.open(url);
    await new Promise((resolve) => client.socket.once("connect_error", resolve));
    await chat.start();
    client.connect();
    expect(await sendAcked(client)).toMatchObject({ duplicate: false });
    expect(await handshakes(url)).toEqual([200, 101]);
  });

  test("history is refused", async () => {
    const { url } = await assembled();
    const refusal = { message: "History could not be read", status: 503, errors: [] };
    expect(await get(`${url}/rooms/cooking/messages`)).toEqual({
      status: 503,
      body: { data: null, error: refusal },
    });
  });
});

describe("/readyz", () => {
  test("is 200 once the service has started, and never cached", async () => {
    const { url, logs } = await startService();
    expect(await get(`${url}/readyz`)).toEqual(READY);
    for (const path of ["/readyz", "/healthz"])
      expect((await fetch(`${url}${path}`)).headers.get("cache-control")).toBe("no-store");
    expect(logs.map(({ msg }) => msg)).toEqual(["listening", "ready"]);
  });

  test("is 503 while the service drains, and handshakes are refused", async () => {
    const { app, url } = await startService();
    const polling = await RawPolling.connect(url);
    const client = await TestClient.connect(url);
    const left = client.disconnected();
    const stopped = app.stop();
    expect(await get(`${url}/readyz`)).toEqual(notReady("draining"));
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 });
    expect(await handshakes(url)).toEqual([503, 503]);
    expect(await left).toBe("transport close");
    expect((await polling.poll()).packets).toEqual(["1"]); // the close; the drain has waited for this poll
    await stopped;
  });

  test("names the log while the disk is full, and is 200 again afterwards, with nothing in the service's log", async () => {
    const disk = smallDisk();
    const { url, logs } = await startService({ DATA_DIR: disk.directory, MESSAGES_PER_SECOND: "0" });
    const client = await TestClient.connect(url);
    disk.fill();
    await until("the failure shows", async () => {
      expect(await ask(client, newMessage())).toMatchObject({ error: { status: 503 } });
      const answer = await get(`${url}/readyz`);
      if (answer.status === 200) return false; // on a slow machine the pause after the failure is over
      expect(answer).toEqual(notReady("message log: a write failed; waiting before the next attempt"));
      return true;
    });
    disk.free();
    await until("the service is ready again", async () => (await get(`${url}/readyz`)).status === 200);
    expect(await sendAcked(client)).toMatchObject({ duplicate: false });
    expect(logs.filter(({ msg }) => msg === "request failed")).toEqual([]);
  });
});

test("a start that fails frees the port", async () => {
  const DATA_DIR = temporaryDirectory();
  await startService({ DATA_DIR });
  const logs: Record<string, unknown>[] = [];
  const second = new App(loadConfig({ PORT: "0", DATA_DIR }), logInto(logs));
  await expect(second.start()).rejects.toThrow("is in use by another process");
  expect(logs.map(({ msg }) => msg)).toEqual(["listening"]);
  await expect(fetch(`${String(logs[0]?.url)}/healthz`)).rejects.toThrow();
});

test("a service that is stopped before it is ready never becomes ready, and frees its directory", async () => {
  const DATA_DIR = temporaryDirectory();
  const lines: string[] = [];
  const write = (line: string) => {
    lines.push(line);
    if (line.includes('"listening"')) void app.stop();
  };
  const app: App = new App(loadConfig({ PORT: "0", DATA_DIR }), pino({}, { write }));
  await app.start();
  await app.stop();
  expect(lines.join("")).not.toContain('"ready"');
  await startService({ DATA_DIR });
});
