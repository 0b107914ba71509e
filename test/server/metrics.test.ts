import { REFUSALS } from "../../src/protocol/refusals";
import { EVENTS } from "../../src/protocol/events";
import { ask, connectResuming, newMessage, resumedRooms, sendAcked, sendNumbered } from "../support/chat";
import { NON_OBJECTS, HOSTILE_NAMES } from "../support/hostileValues";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { startService, type RunningService } from "../support/service";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

const TOKEN = "a token hard to guess".replaceAll(" ", "-");
const LONG_TEXT = "x".repeat(4_000);
const UNKNOWN_OFFSET = "ffffffffffff-000000000001";

function start(env: Record<string, string> = {}): Promise<RunningService> {
  return startService({ METRICS_TOKEN: TOKEN, ...env });
}

function scrape(url: string, authorization: string | null = `Bearer ${TOKEN}`): Promise<Response> {
  return fetch(`${url}/metrics`, authorization === null ? {} : { headers: { authorization } });
}

/** The samples of a scrape: `name{label="value"}` → value. */
async function samples({ url }: RunningService): Promise<Map<string, number>> {
  const text = await (await scrape(url)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.replace(/^.* /, ""))]));
}

/** Of the service's own samples those that are not 0, without the buckets of histograms and their sums of time. */
async function counted(service: RunningService): Promise<Record<string, number>> {
  const own = [...(await samples(service))].filter(
    ([name, value]) => name.startsWith("chat_") && value !== 0 && !/_bucket|seconds_sum/.test(name),
  );
  return Object.fromEntries(own.map(([name, value]) => [name.slice("chat_".length), value]));
}

/** Waits until `counted` is as expected: the service may count an event after its clients have received it. */
async function untilCounted(service: RunningService, expected: Record<string, number>): Promise<void> {
  let last: Record<string, number> = {};
  const isSo = async () => JSON.stringify(Object.entries((last = await counted(service))).sort()) === wanted;
  const wanted = JSON.stringify(Object.entries(expected).sort());
  await until("the counters are right", isSo, 2_000).catch(() => undefined);
  expect(last).toEqual(expected);
}

describe("access to /metrics", () => {
  test("without METRICS_TOKEN there is no such path", async () => {
    const { url } = await startService();
    for (const method of ["GET", "POST"]) {
      const answer = await fetch(`${url}/metrics`, { method, headers: { authorization: `Bearer ${TOKEN}` } });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toEqual({
        data: null,
        error: { message: "Not found", status: 404, errors: [] },
      });
    }
  });

  test.each([
    null,
    "",
    TOKEN,
    "Bearer",
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    `Bearer "${TOKEN}"`,
    `Bearer ${TOKEN.replace("a", "\u00e0")}`,
    `Basic ${Buffer.from(`:${TOKEN}`).toString("base64")}`,
    `Basic ${TOKEN}`,
    `xBearer ${TOKEN}`,
    `Bearer ${"x".repeat(100)}`,
  ])("Authorization %j is not enough", async (authorization) => {
    const { url } = await start();
    const answer = await scrape(url, authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      data: null,
      error: { message: "Unauthorized", status: 401, errors: [] },
    });
  });

  test("the token in the query is not enough either", async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/metrics?token=${TOKEN}&access_token=${TOKEN}`);
    expect(answer.status).toBe(401);
  });

  test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `Bearer   ${TOKEN} `])(
    "Authorization %j is answered in Prometheus's text format, with the process's own metrics",
    async (authorization) => {
      const { url } = await start();
      const answer = await scrape(url, authorization);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      const text = await answer.text();
      expect(text).toContain("# TYPE chat_connections gauge");
      expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
    },
  );

  test("it allows GET and HEAD only", async () => {
    const { url } = await start();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const head = await fetch(`${url}/metrics`, { method: "HEAD", headers });
    expect({ status: head.status, body: await head.text() }).toEqual({ status: 200, body: "" });
    for (const method of ["POST", "PUT", "DELETE"])
      expect((await fetch(`${url}/metrics`, { method, headers })).status).toBe(405);
  });

  test("the token is in no log", async () => {
    const { url, logs } = await start();
    await scrape(url);
    await scrape(url, `Bearer ${TOKEN}x`);
    expect(JSON.stringify(logs)).not.toContain(TOKEN);
  });
});

describe("the metrics count", () => {
  test("connections by transport and Engine.IO version while they last", async () => {
    const service = await start();
    const { url } = service;
    expect(await counted(service)).toEqual({});
    const clients = await Promise.all([
      TestClient.connect(url),
      TestClient.connect(url),
      TestClient.connect(url, { transports: ["polling"] }),
      TestClient.connect(url, { generation: "2.x" }),
      TestClient.connect(url, { generation: "2.x", transports: ["polling"] }),
    ]);
    expect(await counted(service)).toEqual({
      'connections{transport="websocket",eio="4"}': 2,
      'connections{transport="polling",eio="4"}': 1,
      'connections{transport="websocket",eio="3"}': 1,
      'connections{transport="polling",eio="3"}': 1,
    });
    for (const client of clients) client.disconnect();
    await untilCounted(service, {});
    expect((await samples(service)).get('chat_connections{transport="websocket",eio="4"}')).toBe(0);
  });

  test("messages, deliveries, repetitions and refusals, exactly", async () => {
    const service = await start();
    const { url } = service;
    const sender = await TestClient.connect(url);
    const resuming = await connectResuming(url, {});
    const polling = await TestClient.connect(url, { transports: ["polling"] });
    const old = await TestClient.connect(url, { generation: "2.x" });
    const clients = [sender, resuming, polling, old];
    await resumedRooms(resuming);
    sender.announcePresence();
    for (const client of clients) await client.waitFor(EVENTS.presenceInformation);

    const first = newMessage();
    expect(await ask(sender, first)).toMatchObject({ data: { duplicate: false } });
    await sendAcked(sender);
    old.sendMessage();
    for (const client of clients) await client.waitFor("/cooking", 3);
    expect(await ask(sender, first)).toMatchObject({ data: { duplicate: true } });
    await ask(sender, { ...first, message: "another" });
    await ask(sender, {});
    await ask(sender, "?");
    await sender.ask("no event", "?");

    await untilCounted(service, {
      'connections{transport="websocket",eio="4"}': 2,
      'connections{transport="polling",eio="4"}': 1,
      'connections{transport="websocket",eio="3"}': 1,
      messages_accepted_total: 3,
      messages_duplicate_total: 1,
      log_append_seconds_count: 3,
      'deliveries_total{event="message"}': 3 * clients.length,
      'deliveries_total{event="presence"}': clients.length,
      'batch_events_count{event="message"}': 2 * 3, // with offsets and without
      'batch_events_sum{event="message"}': 2 * 3,
      'batch_events_count{event="presence"}': 1,
      'batch_events_sum{event="presence"}': 1,
      presence_broadcasts_total: 1,
      'events_refused_total{reason="Message uuid was already used"}': 1,
      'events_refused_total{reason="Incoming message is not valid"}': 2,
      'events_refused_total{reason="Event is not known"}': 1,
      'replays_total{outcome="from_now"}': 4,
    });
  });

  test("typing as it is delivered: not to the client that types", async () => {
    const service = await start();
    const [typist, witness] = [
      await TestClient.connect(service.url, { auth: { typing: true } }),
      await TestClient.connect(service.url, { auth: { typing: true } }),
    ];
    const chatRoom = { label: "Cooking", name: "/cooking" };
    await typist.ask(EVENTS.newTypingInformation, { username: "ana", chatRoom, isTyping: true });
    await witness.waitFor(EVENTS.typingInformation);
    expect(await counted(service)).toMatchObject({ 'deliveries_total{event="typing"}': 1 });
  });

  test("replayed rooms and replayed messages", async () => {
    const service = await start();
    const sender = await TestClient.connect(service.url);
    const [first] = await sendNumbered(sender, 3);
    const resume = { "/cooking": String(first), "/pets": UNKNOWN_OFFSET, "/money": null };
    await resumedRooms(await connectResuming(service.url, resume));
    expect(await counted(service)).toMatchObject({
      'replays_total{outcome="recovered"}': 1,
      'replays_total{outcome="unrecovered"}': 1,
      'replays_total{outcome="from_now"}': 2,
      messages_replayed_total: 2,
    });
  });

  test("presence that had to wait for its budget", async () => {
    const service = await start({ PRESENCE_BURST_BYTES: "1", PRESENCE_BYTES_PER_SECOND: "1" });
    const client = await TestClient.connect(service.url);
    for (const name of ["/cooking", "/pets", "/money", "/travel"])
      client.announcePresence({ currentRoom: { label: "x", name } });
    await client.ask(EVENTS.newPresenceInformation, {}); // refused, after the others were handled
    // The first is sent, the second waits, and the others will go with it.
    expect(await counted(service)).toMatchObject({
      presence_broadcasts_total: 1,
      presence_changes_coalesced_total: 2,
    });
  });

  test("bytes that wait for a client, and the client that is disconnected for them", async () => {
    const service = await start({ MAX_PENDING_BYTES: "10000" });
    const polling = await RawPolling.connect(service.url);
    const sender = await TestClient.connect(service.url);
    await sendAcked(sender, { message: LONG_TEXT });
    await until(
      "bytes wait",
      async () => Number((await samples(service)).get("chat_pending_bytes")) > LONG_TEXT.length,
    );
    await polling.poll();
    expect((await samples(service)).get("chat_pending_bytes")).toBe(0);
    // Four: the largest packet does not count against the limit.
    for (let i = 0; i < 4; i += 1) await sendAcked(sender, { message: LONG_TEXT });
    await until("it is cut", async () => (await samples(service)).get("chat_slow_consumers_cut_total") === 1);
    expect((await samples(service)).get("chat_pending_bytes")).toBe(0);
  });

  test("a client that floods", async () => {
    const service = await start();
    const flooder = await RawWebSocket.connect(service.url);
    flooder.send(...Array<string>(2_100).fill('42["nonsense"]'));
    await flooder.closed;
    expect(await counted(service)).toMatchObject({ flooding_clients_closed_total: 1 });
  });

  test("connections refused, by reason", async () => {
    const service = await start({ MAX_CONNECTIONS: "2" });
    const { url } = service;
    const foreign = { headers: { Origin: "https://evil.example" } };
    expect([await RawPolling.statusOf(url, foreign), await RawWebSocket.statusOf(url, foreign)]).toEqual([
      403, 403,
    ]);
    const badAuth = TestClient.connect(url, { auth: { resume: "?" } });
    await expect(badAuth).rejects.toThrow("Handshake is not valid");
    await until("its place is free", async () => Object.keys(await counted(service)).length === 2);
    for (let i = 0; i < 2; i += 1) await TestClient.connect(url);
    expect(await RawPolling.statusOf(url)).toBe(503);
    expect(await counted(service)).toEqual({
      'connections{transport="websocket",eio="4"}': 2,
      'connections_refused_total{reason="Origin is not allowed"}': 2,
      'connections_refused_total{reason="Handshake is not valid"}': 1,
      'connections_refused_total{reason="Too many connections"}': 1,
    });
  });

  test("nothing that clients send becomes a label", async () => {
    const service = await start({ MESSAGES_PER_SECOND: "0", PRESENCE_PER_SECOND: "0" });
    const { url } = service;
    const client = await TestClient.connect(url);
    const names = [
      "hostile",
      '"}\nhostile 1',
      "__proto__",
      "constructor",
      "{reason=hostile}",
      "h".repeat(1_000),
    ];
    for (const name of names) {
      const chatRoom = { label: name, name };
      await client.ask(name, name);
      await ask(client, newMessage({ username: name, message: name, uuid: name, chatRoom }));
      const currentRoom = { label: name, name };
      await client.ask(EVENTS.newPresenceInformation, { username: name, avatar: name, currentRoom });
      await client.ask(EVENTS.newTypingInformation, { username: name, chatRoom, isTyping: name });
      await TestClient.connect(url, { auth: { [name]: name } }).catch(() => undefined);
      const query = `EIO=${encodeURIComponent(name)}&${encodeURIComponent(name)}=hostile`;
      await fetch(`${url}/socket.io/?${query}&transport=${encodeURIComponent(name)}`);
      await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${encodeURIComponent(name)}`);
    }
    await connectResuming(url, { hostile: "hostile", "/cooking": "hostile" });
    for (const [, value] of NON_OBJECTS) await ask(client, value);
    for (const name of HOSTILE_NAMES) await ask(client, newMessage({ chatRoom: { label: name, name } }));

    const known = ["websocket", "polling", "3", "4", "message", "presence", "typing"];
    const outcomes = ["recovered", "unrecovered", "from_now"];
    const refusals = Object.values(REFUSALS).map(({ message }) => message);
    const allowed = new Set<string>([...known, ...outcomes, ...refusals]);
    const ofChat = [...(await samples(service)).keys()].filter((name) => name.startsWith("chat_"));
    const labels = ofChat.flatMap((name) => [...name.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]);
    const values = labels.filter(([, label]) => label !== "le").map(([, , value]) => String(value));
    expect(values.filter((value) => !allowed.has(value))).toEqual([]);
    expect(values).toContain("Event is not known");
    expect(ofChat.join()).not.toContain("hostile");
  });
});
