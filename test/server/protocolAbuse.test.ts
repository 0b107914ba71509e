import { CONNECT_TIMEOUT_MS, MAX_FRAME_BYTES } from "../../src/connections/socketServer";
import { MAX_STRIKES } from "../../src/connections/floodGuard";
import { EVENTS } from "../../src/protocol/events";
import { Canaries } from "../support/canaries";
import { afterThisTest } from "../support/disposal";
import { nestedJson, TREACHEROUS_NAMES } from "../support/hostileValues";
import { exchange, RawTcp } from "../support/rawTcp";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { startService, type RunningService } from "../support/service";
import { CLIENTS, COOKING, TestClient } from "../support/testClient";
import { until } from "../support/until";

const MESSAGE = JSON.stringify({ username: "eve", message: "hi", uuid: "1234", chatRoom: COOKING });
const PRESENCE = JSON.stringify({ username: "eve", avatar: "", currentRoom: COOKING });
const SAY = `42["${EVENTS.newMessage}",${MESSAGE}]`; // an EVENT packet, valid
const ENTER = `42["${EVENTS.newPresenceInformation}",${PRESENCE}]`;
const CONNECT = "40";
const DISCONNECT = "41";
const HEARD = '42["/cooking"'; // how a broadcast message begins
const REFUSED = '42["server_error"';
const BURST = 100; // messages a connection may send at once, by default

interface Scene extends RunningService {
  canaries: Canaries;
}

async function start(env: Record<string, string> = {}): Promise<Scene> {
  const service = await startService(env);
  return { ...service, canaries: await Canaries.start(service.url) };
}

function logged({ logs }: RunningService, message: string): number {
  return logs.filter(({ msg }) => msg === message).length;
}

/** Resolves once the session is gone: polling on it is then a bad request. */
async function sessionIsGone(session: RawPolling): Promise<void> {
  await until("the polling session is gone", async () => (await session.poll()).status === 400);
}

function times(count: number, action: () => void): void {
  for (let i = 0; i < count; i += 1) action();
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe("connecting", () => {
  test("an event before CONNECT ends its connection, unheard", async () => {
    const { url, canaries } = await start();
    for (const packet of [SAY, ENTER, `42["unknown"]`, "43[]", DISCONNECT, '44{"message":"x"}']) {
      const socket = await RawWebSocket.open(url);
      socket.send(packet);
      await socket.closed;
      await canaries.check(`${packet} over websocket`);
      const session = await RawPolling.open(url);
      await session.post(packet);
      await sessionIsGone(session);
      await canaries.check(`${packet} over polling`);
    }
  });

  test("1,000 CONNECT packets in one write open exactly one socket", async () => {
    const { url, canaries } = await start();
    const socket = await RawWebSocket.open(url);
    socket.send(...range(1_000).map(() => CONNECT));
    await socket.waitFor("40{");
    socket.send(ENTER);
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor(EVENTS.presenceInformation);
    await socket.waitFor('42["presence_information"');
    socket.send(SAY);
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking");
    await socket.waitFor(HEARD);
    socket.send(`427["${EVENTS.newMessage}",{}]`); // its answer comes behind every copy of the message
    await socket.waitFor("437[");
    expect(socket.count("40{")).toBe(1);
    expect(socket.count(HEARD)).toBe(1);
    socket.webSocket.close();
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor(EVENTS.presenceInformation);
    await canaries.check("the burst");
  });

  test("1,000 CONNECT packets in one polling request open exactly one socket", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.open(url);
    expect(await session.post(...range(1_000).map(() => CONNECT))).toBe(200);
    const answers: string[] = [];
    while (!answers.some((packet) => packet.startsWith("40{")))
      answers.push(...(await session.poll()).packets);
    await canaries.check("the burst");
    while (!answers.some((packet) => packet.startsWith(HEARD)))
      answers.push(...(await session.poll()).packets);
    await session.post(`427["${EVENTS.newMessage}",{}]`);
    while (!answers.some((packet) => packet.startsWith("437")))
      answers.push(...(await session.poll()).packets);
    expect(answers.filter((packet) => packet.startsWith("40{"))).toHaveLength(1);
    expect(answers.filter((packet) => packet.startsWith(HEARD))).toHaveLength(1);
  });

  test("other namespaces are refused and hear nothing", async () => {
    const { url, canaries } = await start();
    const names = [
      "/admin",
      "/cooking",
      "/__proto__",
      "/constructor",
      "//",
      "/ ",
      "/*",
      `/${"a".repeat(60_000)}`,
    ];
    for (const query of ["EIO=4", "EIO=3"]) {
      for (const name of names) {
        if (query === "EIO=3" && ["//", "/ "].includes(name)) continue; // there they are other ways to write "/"
        const socket = await RawWebSocket.open(url, { query });
        socket.send(`${CONNECT}${name},`);
        expect(await socket.waitFor(`44${name},`)).toBe(`44${name},{"message":"Invalid namespace"}`);
        await canaries.check(`${query} ${name}`);
        if (query === "EIO=4") {
          socket.send(`${CONNECT}/marker,`); // answered behind whatever came through to it
          await socket.waitFor("44/marker,");
          expect(socket.count("42")).toBe(0);
        }
        socket.webSocket.terminate();
      }
    }
  });

  test.each(["EIO=0", "EIO=1", "EIO=2", "EIO=5", "EIO=44", "EIO=x", "EIO=", "EIO=4&EIO=5", "EIO=__proto__"])(
    "%s is a bad request, over polling and websocket",
    async (query) => {
      const { url, canaries } = await start();
      const answer = await fetch(`${url}/socket.io/?${query}&transport=polling`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({
        data: null,
        error: { message: "Bad request", status: 400, errors: [] },
      });
      expect(await RawWebSocket.statusOf(url, { query })).toBe(400);
      await canaries.check(query);
    },
  );

  test.each([
    "transport=webtransport",
    "transport=__proto__",
    "transport=",
    "",
    "transport=websocket",
    "transport=polling&sid=constructor",
    "transport=polling&sid=AAAAAAAAAAAAAAAAAAAAAAAA",
  ])("a handshake with ?%s is a bad request", async (query) => {
    const { url, canaries } = await start();
    expect((await fetch(`${url}/socket.io/?EIO=4&${query}`)).status).toBe(400);
    await canaries.check(query);
  });

  test("a client that does not CONNECT is closed after 10 s", async () => {
    const { url, canaries } = await start();
    const opened = performance.now();
    const socket = await RawWebSocket.open(url);
    const session = await RawPolling.open(url);
    const poll = session.poll();
    const stranger = await RawWebSocket.open(url);
    const pongs = setInterval(() => stranger.send("3", `${CONNECT}/admin,`), 1_000); // busy, and no nearer
    afterThisTest(() => clearInterval(pongs));
    await Promise.all([socket.closed, stranger.closed, poll]);
    const waited = performance.now() - opened;
    expect(waited).toBeGreaterThan(CONNECT_TIMEOUT_MS - 100);
    expect(waited).toBeLessThan(CONNECT_TIMEOUT_MS + 3_000);
    expect((await poll).packets).toEqual(["1"]); // Engine.IO's CLOSE
    await sessionIsGone(session);
    await canaries.check("after the deadline");
  });
});

describe("packets", () => {
  const PACKETS = [
    ..."0123456789bx ".split(""),
    "",
    "2probe",
    "5",
    "4",
    "40",
    "40{}",
    '40{"token":"x"}',
    "40[]",
    '40"x"',
    "40/,",
    "40/?a=b,",
    "41/admin,",
    "42",
    "42[]",
    "42[null]",
    "42[{}]",
    "42{}",
    '42"new_message"',
    '42["new_message"',
    "42[5,{}]",
    "4212[1.5,{}]",
    '421 2["new_message",{}]',
    `42${"9".repeat(400)}["new_message",{}]`,
    `42-1["new_message",{}]`,
    '42/admin,["new_message",{}]',
    "43",
    "43[]",
    "431[]",
    `43${"9".repeat(60_000)}[]`,
    "44",
    '44{"message":"x"}',
    "45",
    '450-["x"]',
    '45-["x"]',
    '45-1-["x"]',
    '451e1-["x"]',
    '4511-["x"]',
    '4599999999999-["x"]',
    '451-["new_message",{"_placeholder":true,"num":-1}]',
    '451-["new_message",{"_placeholder":true,"num":"0"}]',
    '451-["new_message",{"_placeholder":true,"num":0}]',
    "461-[]",
    "46",
    "47",
    "4\u0000",
    "42[\u0000]",
    `42${nestedJson(30_000, "lists")}`,
    `40${nestedJson(9_000, "objects")}`,
    "bAAAA",
    "b!",
  ];

  test.each(["EIO=4", "EIO=3"])("odd packets harm at most their own connection (%s)", async (query) => {
    const { url, canaries } = await start({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
    for (const packet of PACKETS) {
      const socket = await RawWebSocket.connect(url, { query });
      socket.send(packet, Buffer.from([1, 2, 3]), packet, `429["${EVENTS.newMessage}",null]`);
      await socket.heardOrClosed("439[");
      await canaries.check(packet.slice(0, 80));
      socket.webSocket.terminate();
    }
  });

  test("the same over polling", async () => {
    const { url, canaries } = await start({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
    for (const packet of PACKETS) {
      const session = await RawPolling.connect(url);
      expect([200, 400, 413]).toContain(await session.post(packet, packet));
      await canaries.check(packet.slice(0, 80));
    }
  });

  test("events with a name nobody knows are answered if they ask for it, and heard by nobody", async () => {
    const { url, canaries } = await start({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
    for (const name of [...TREACHEROUS_NAMES, "/cooking", ""]) {
      const socket = await RawWebSocket.connect(url);
      socket.send(`42${JSON.stringify([name, JSON.parse(MESSAGE)])}`, `421${JSON.stringify([name])}`);
      const answer = await socket.heardOrClosed("431[");
      const isOurs = name === EVENTS.newMessage;
      if (answer !== undefined && !isOurs) {
        const error = { message: "Event is not known", status: 404, errors: [] };
        expect(JSON.parse(answer.slice(3))).toEqual([{ data: null, error }]);
        expect(socket.count(REFUSED)).toBe(0);
      }
      if (isOurs) for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking");
      await canaries.check(name);
      socket.webSocket.terminate();
    }
  });

  test("attachments announced and never sent hold nobody up", async () => {
    const { url, canaries } = await start();
    const waiting = await RawWebSocket.connect(url);
    waiting.send(`4510-["${EVENTS.newMessage}",{"_placeholder":true,"num":0}]`, Buffer.alloc(60_000));
    const impatient = await RawWebSocket.connect(url);
    impatient.send(`452-["${EVENTS.newMessage}",{"_placeholder":true,"num":0}]`, SAY);
    await impatient.closed; // an event where an attachment was due
    const unannounced = await RawWebSocket.connect(url);
    unannounced.send(Buffer.from("x"));
    await unannounced.closed;
    await canaries.check("attachments");
    expect(waiting.count(HEARD)).toBe(1); // the canary's; it is a client like any other meanwhile
  });

  test("a frame over the limit is closed with 1009; one at the limit is not", async () => {
    const { url, canaries } = await start();
    const limit = MAX_FRAME_BYTES;
    const packet = (text: string) => `421["${EVENTS.newMessage}","${text}"]`;
    const padded = (bytes: number) => packet("x".repeat(bytes - packet("").length));
    const atLimit = await RawWebSocket.connect(url);
    atLimit.send(padded(limit));
    expect(await atLimit.waitFor("431[")).toContain("should be object");
    for (const frame of [padded(limit + 1), Buffer.alloc(limit + 1)]) {
      const over = await RawWebSocket.connect(url);
      over.send(frame);
      expect(await over.closed).toEqual({ code: 1009 });
    }
    await canaries.check("frames over the limit");
  });

  test("fragments over the limit, and fragments without end, are closed", async () => {
    const { url, canaries } = await start();
    const large = await RawWebSocket.connect(url);
    times(5, () => large.webSocket.send("x".repeat(16_000), { fin: false }));
    expect(await large.closed).toEqual({ code: 1009 });
    const endless = await RawWebSocket.connect(url);
    endless.inOneWrite(() => times(40_000, () => endless.webSocket.send("", { fin: false })));
    await endless.closed;
    await canaries.check("fragments");
  });

  test("a polling request over the limit is refused with 413", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.connect(url);
    expect(await session.post("4".repeat(MAX_FRAME_BYTES + 1))).toBe(413);
    await canaries.check("after the request");
  });

  test("invalid UTF-8 and reserved opcodes are closed by the websocket's own rules", async () => {
    const { url, canaries } = await start();
    const frames: [code: number, bytes: number[]][] = [
      [1007, [0x81, 0x82, 0, 0, 0, 0, 0x34, 0xff]], // text that is no UTF-8
      [1002, [0x83, 0x80, 0, 0, 0, 0]], // reserved opcode
      [1002, [0xc1, 0x81, 0, 0, 0, 0, 0x34]], // compressed, although no compression was agreed
      [1002, [0x81, 0x01, 0x34]], // not masked
      [1002, [0x89, 0xfe, 0, 126, 0, 0, 0, 0]], // a ping longer than a control frame may be
      [1002, [0x80, 0x80, 0, 0, 0, 0]], // a continuation of nothing
      [1009, [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]], // 2^63 bytes announced
    ];
    for (const [code, bytes] of frames) {
      const socket = await RawWebSocket.connect(url);
      socket.tcp.write(Buffer.from(bytes));
      expect({ bytes, closed: await socket.closed }).toEqual({ bytes, closed: { code } });
      await canaries.check(bytes.join());
    }
  });
});

describe("leaving", () => {
  test("what follows a DISCONNECT in the same write is not heard", async () => {
    const { url, canaries } = await start();
    const socket = await RawWebSocket.connect(url);
    socket.send(DISCONNECT, SAY, ENTER);
    await socket.closed;
    await canaries.check("over websocket");
    const session = await RawPolling.connect(url);
    await session.post(DISCONNECT, SAY, ENTER);
    await sessionIsGone(session);
    await canaries.check("over polling");
  });

  test.each([
    ["a DISCONNECT", DISCONNECT],
    ["a packet that ends the connection", "49"],
    ["Engine.IO's CLOSE", "1"],
  ])("presence announced right before %s leaves no ghost", async (name, last) => {
    const { url, canaries } = await start();
    if (last !== "1") {
      const socket = await RawWebSocket.connect(url);
      socket.send(ENTER, last); // Engine.IO knows CLOSE on polling only
      await socket.closed;
      await sawNoGhost(canaries, `${name} over websocket`);
    }
    const session = await RawPolling.connect(url);
    await session.post(ENTER, last);
    await sessionIsGone(session);
    await sawNoGhost(canaries, `${name} over polling`);
  });

  test.each(CLIENTS)(
    "$name that announces itself and leaves at once leaves no ghost",
    async ({ options }) => {
      const service = await start();
      const { url, canaries } = service;
      const hasty = await TestClient.connect(url, options);
      hasty.announcePresence();
      hasty.disconnect();
      await until("the hasty one is gone", () => logged(service, "disconnected") === 1);
      await sawNoGhost(canaries, "in a hurry");
    },
  );

  /** It may have been seen for a moment: then both canaries heard it come and go. */
  async function sawNoGhost({ a, b }: Canaries, context: string): Promise<void> {
    for (const canary of [a, b]) await canary.ask("what was told before is here with the answer");
    for (const canary of [a, b]) {
      const seen = canary.queued(EVENTS.presenceInformation).length;
      const told = await canary.waitFor(EVENTS.presenceInformation, seen);
      expect({ context, last: told.at(-1) ?? null }).toEqual({
        context,
        last: seen === 0 ? null : expect.objectContaining({ data: onlyTheCanary() }),
      });
    }
    const [answer] = await a.ask(EVENTS.newPresenceInformation, {
      username: "canary",
      avatar: "",
      currentRoom: COOKING,
    });
    expect({ context, answer }).toMatchObject({ context, answer: { data: onlyTheCanary() } });
  }

  function onlyTheCanary(): unknown {
    const users = [{ username: "canary", avatar: "" }];
    return { usersPerRoom: { "/cooking": users, "/money": [], "/travel": [], "/pets": [] } };
  }

  test("a client that leaves the namespace is disconnected altogether, also when it says nothing more", async () => {
    const service = await start({ MAX_CONNECTIONS: "3" });
    const { url, canaries } = service;
    const silent = await RawWebSocket.connect(url);
    silent.send(DISCONNECT);
    await silent.closed;
    await canaries.check("after its leaving");
    await until(
      "its place is free",
      async () => (await RawPolling.open(url).catch(() => undefined)) !== undefined,
    );
  });
});

describe("floods", () => {
  test("a polling request full of messages counts each of them", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.connect(url);
    const count = Math.floor(MAX_FRAME_BYTES / (SAY.length + 1));
    expect(count).toBeGreaterThan(4 * BURST);
    expect(await session.post(...range(count).map(() => SAY))).toBe(200);
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking", BURST);
    await canaries.check("the first hundred");
    const answers: string[] = [];
    while (answers.length < count + 1) answers.push(...(await session.poll()).packets);
    const refusals = answers.filter((packet) => packet.startsWith(REFUSED));
    expect(refusals).toHaveLength(count - BURST);
    const error = { message: "Too many requests", status: 429, errors: [] };
    expect(JSON.parse(refusals[0]?.slice(2) ?? "")).toEqual([EVENTS.serverError, { data: null, error }]);
  });

  test.each([
    ["pongs", "3"],
    ["acks nobody asked for", "43[]"],
    ["unknown events", '42["x"]'],
    ["CONNECTs elsewhere", "40/x,"],
  ])("a polling request full of %s is one too many", async (name, packet) => {
    const service = await start();
    const { url, canaries } = service;
    const session = await RawPolling.connect(url);
    const count = Math.floor(MAX_FRAME_BYTES / (packet.length + 1));
    await session.post(...range(count).map(() => packet));
    await sessionIsGone(session);
    expect(logged(service, "flooding client closed")).toBe(1);
    await canaries.check(name);
  });

  test.each([
    ["pongs", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send("3")],
    ["Engine.IO 3 pings", "EIO=3", (socket: RawWebSocket) => socket.webSocket.send("2")],
    ["noops", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send("6")],
    ["websocket pings", "EIO=4", (socket: RawWebSocket) => socket.webSocket.ping("x".repeat(125))],
    ["websocket pongs", "EIO=4", (socket: RawWebSocket) => socket.webSocket.pong()],
    ["unknown events", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send('42["x"]')],
    ["CONNECTs elsewhere", "EIO=4", (socket: RawWebSocket) => socket.webSocket.send("40/x,")],
  ])("a flood of %s is closed (%s)", async (name, query, send) => {
    const { url, canaries } = await start();
    const socket = await RawWebSocket.connect(url, { query });
    for (let sent = 0; sent < 5 * MAX_STRIKES; sent += 500) {
      socket.inOneWrite(() => times(500, () => send(socket)));
      await canaries.chat(name);
    }
    await socket.closed;
    await canaries.check(name);
  });

  test("a flood of upgrade probes is closed", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.connect(url);
    const probe = await RawWebSocket.open(url, { query: `EIO=4&sid=${session.sid}` });
    for (let sent = 0; sent < 5 * MAX_STRIKES; sent += 1_000) {
      probe.send(...range(1_000).map(() => "2probe"));
      await canaries.chat("probes");
    }
    await probe.closed;
    expect(probe.count("3probe")).toBeLessThan(MAX_STRIKES + 1);
    await canaries.check("after the probes");
  });

  test("10,000 messages a second: a burst is heard, the rest refused, then the client is closed", async () => {
    const service = await start();
    const { url, canaries } = service;
    const flooder = await RawWebSocket.connect(url);
    const flood = setInterval(() => flooder.send(...range(100).map(() => SAY)), 10);
    afterThisTest(() => clearInterval(flood));
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking", BURST);
    await canaries.check("during the flood");
    await flooder.closed;
    clearInterval(flood);
    expect(flooder.count(HEARD)).toBeGreaterThanOrEqual(BURST);
    const error = { message: "Too many requests", status: 429, errors: [] };
    const refusal = await flooder.waitFor(REFUSED);
    expect(JSON.parse(refusal.slice(2))).toEqual([EVENTS.serverError, { data: null, error }]);
    expect(logged(service, "flooding client closed")).toBe(1);
    expect(logged(service, "event refused")).toBeLessThan(200);
    await canaries.check("after the flood");
  });

  test("presence is limited on its own, to a burst of 20", async () => {
    const { url, canaries } = await start();
    const restless = await RawWebSocket.connect(url);
    restless.send(...range(30).map((index) => ENTER.replace("42", `42${String(index)}`)));
    const answers = () => restless.frames.filter((frame) => /^43\d+\[/.test(frame));
    await until("all are answered", () => answers().length === 30);
    expect(answers().filter((answer) => answer.includes('"error":null'))).toHaveLength(20);
    expect(answers().filter((answer) => answer.includes('"status":429'))).toHaveLength(10);
    for (const canary of [canaries.a, canaries.b])
      expect(await canary.waitFor(EVENTS.presenceInformation)).toHaveLength(1);
    restless.webSocket.terminate();
    for (const canary of [canaries.a, canaries.b]) await canary.waitFor(EVENTS.presenceInformation);
    await canaries.check("after the burst");
  });
});

describe("half-made connections", () => {
  test("an upgrade that is begun and never finished leaves the session on polling", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.connect(url);
    const probe = await RawWebSocket.open(url, { query: `EIO=4&sid=${session.sid}` });
    probe.send("2probe");
    await probe.waitFor("3probe");
    await canaries.check("in the middle of the upgrade");
    probe.webSocket.terminate();
    const heard: string[] = [];
    while (!heard.some((packet) => packet.startsWith(HEARD))) heard.push(...(await session.poll()).packets);
    expect(probe.count("42")).toBe(0);
    await canaries.check("after it");
  });

  test("a second upgrade, and one with a session that does not exist, come to nothing", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.connect(url);
    const query = `EIO=4&sid=${session.sid}`;
    const first = await RawWebSocket.open(url, { query });
    const second = await RawWebSocket.open(url, { query });
    second.send("2probe", "5");
    await second.closed;
    expect(await RawWebSocket.statusOf(url, { query: "EIO=4&sid=unknown" })).toBe(400);
    expect(await RawWebSocket.statusOf(url, { query: `EIO=3&sid=${session.sid}` })).toBe(400);
    first.send("2probe");
    await first.waitFor("3probe");
    await canaries.check("upgrades");
  });

  test("polls that overlap end their session, and no other", async () => {
    const { url, canaries } = await start();
    const session = await RawPolling.connect(url);
    const answers = await Promise.all([session.poll(), session.poll(), session.poll()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
    await canaries.check("overlapping polls");
  });

  test("requests that break off in the middle end their session, and no other", async () => {
    const { url, port, canaries } = await start();
    const head = (method: string, sid: string) =>
      `${method} /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\n`;
    const posting = await RawPolling.connect(url);
    const post = await RawTcp.open(port, `${head("POST", posting.sid)}Content-Length: 9000\r\n\r\n${SAY}`);
    await canaries.check("half a request");
    post.socket.resetAndDestroy();
    await sessionIsGone(posting);
    const polling = await RawPolling.connect(url);
    const poll = await RawTcp.open(port, `${head("GET", polling.sid)}\r\n`);
    await canaries.check("a poll"); // answers the poll: the next one hangs
    await until("the poll is answered", () => poll.received.includes(HEARD));
    poll.socket.write(`${head("GET", polling.sid)}\r\n`);
    await canaries.check("another poll");
    poll.socket.resetAndDestroy();
    await canaries.check("broken requests");
  });

  test("Engine.IO 3 payloads that lie about their lengths end their session at worst", async () => {
    const { url, canaries } = await start({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
    const bodies: (string | Buffer)[] = [
      "",
      ":",
      "1",
      "0:",
      "-1:4",
      "1e3:4",
      "Infinity:4",
      "9".repeat(60_000),
      `${"9".repeat(400)}:4`,
      "1:9",
      " 1:4",
      `1:2${"1:2".repeat(100)}`,
      "1:1".repeat(20_000),
      Buffer.alloc(60_000, 255),
      Buffer.alloc(60_000, 0),
      Buffer.alloc(60_000, 9),
      Buffer.from([0, 9, 9, 255, 0x34]),
      Buffer.from([1, 2, 255, 4, 0x32]),
      Buffer.from([0, 2, 255, 0x34, 0xff]),
      Buffer.concat(range(15_000).map(() => Buffer.from([0, 1, 255, 0x32]))),
    ];
    for (const body of bodies) {
      const session = await RawPolling.connect(url, { eio: 3 });
      expect([200, 400]).toContain(await session.postBody(body));
      await canaries.check(String(body.slice(0, 20)));
    }
  });
});

describe("connection caps", () => {
  /** What polling and websocket handshakes are answered; those let in are closed again. */
  async function statuses(url: string, headers: Record<string, string> = {}): Promise<number[]> {
    return [await RawPolling.statusOf(url, { headers }), await RawWebSocket.statusOf(url, { headers })];
  }

  const FULL = [503, 503];

  test("MAX_CONNECTIONS holds for polling and websocket, and a place that is left is free again", async () => {
    const { url } = await startService({ MAX_CONNECTIONS: "3" });
    const first = await RawWebSocket.connect(url);
    await RawPolling.connect(url);
    const third = await TestClient.connect(url);
    expect(await statuses(url)).toEqual(FULL);
    const refused = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
    const error = { message: "Too many connections", status: 503, errors: [] };
    expect(await refused.json()).toEqual({ data: null, error });
    first.webSocket.terminate();
    await until("the place is free", async () => (await RawWebSocket.statusOf(url)) === 101);
    third.sendMessage();
    expect(await third.waitFor("/cooking")).toHaveLength(1);
  });

  // Engine.IO takes the last of repeated parameters, and opens a session where it is empty.
  const EMPTY_SIDS = ["sid=", "sid", "&sid", "sid=&sid=", "sid&sid", "sid=unknown&sid=", "%73id=", "s%69d"];

  /** What polling and websocket handshakes with this query are answered. */
  async function statusesOf(url: string, query: string): Promise<number[]> {
    const polling = await fetch(`${url}/socket.io/?EIO=4&transport=polling&${query}`);
    RawPolling.adopt(url, await polling.text());
    return [polling.status, await RawWebSocket.statusOf(url, { query: `EIO=4&${query}` })];
  }

  test.each(EMPTY_SIDS)("a handshake with the query %s is counted", async (query) => {
    const { url } = await startService({ MAX_CONNECTIONS: "2" });
    expect(await statusesOf(url, query)).toEqual([200, 101]);
    const { webSocket } = await RawWebSocket.open(url, { query: `EIO=4&${query}` });
    expect(await statuses(url)).toEqual(FULL);
    expect(await statusesOf(url, query)).toEqual(FULL);
    webSocket.terminate();
    await until("the place is free", async () => (await RawWebSocket.statusOf(url)) === 101);
  });

  test("handshakes with an empty sid are refused while the service drains", async () => {
    const { app, url } = await startService();
    await RawPolling.connect(url); // the drain waits for its poll
    const stopped = app.stop();
    for (const query of EMPTY_SIDS) expect(await statusesOf(url, query)).toEqual([503, 503]);
    await stopped;
  });

  test("MAX_CONNECTIONS_PER_IP cannot be talked round with X-Forwarded-For", async () => {
    const { url } = await startService({ MAX_CONNECTIONS_PER_IP: "2" });
    await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1" } });
    await RawPolling.connect(url, { headers: { "X-Forwarded-For": "192.0.2.2" } });
    for (const forwarded of ["192.0.2.3", "192.0.2.3, 192.0.2.4", "127.0.0.1", "x", ""])
      expect(await statuses(url, { "X-Forwarded-For": forwarded })).toEqual(FULL);
  });

  test("behind one proxy the right-most address counts, and nothing left of it", async () => {
    const { url } = await startService({ MAX_CONNECTIONS_PER_IP: "1", TRUST_PROXY: "1" });
    await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1" } });
    for (const spoofed of ["192.0.2.9, 192.0.2.1", "192.0.2.9,192.0.2.8,192.0.2.1", " , 192.0.2.1 "])
      expect(await statuses(url, { "X-Forwarded-For": spoofed })).toEqual(FULL);
    await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 192.0.2.2" } });
    await RawPolling.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 192.0.2.3" } });
    expect(await statuses(url, { "X-Forwarded-For": "192.0.2.3" })).toEqual(FULL);
  });

  test("behind two proxies the second address from the right counts", async () => {
    const { url } = await startService({ MAX_CONNECTIONS_PER_IP: "1", TRUST_PROXY: "2" });
    await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 10.0.0.1" } });
    expect(await statuses(url, { "X-Forwarded-For": "192.0.2.9, 192.0.2.1, 10.0.0.2" })).toEqual(FULL);
    await RawWebSocket.connect(url, { headers: { "X-Forwarded-For": "192.0.2.1, 192.0.2.2, 10.0.0.1" } });
  });

  test("handshakes that arrive together cannot slip in together", async () => {
    const { url } = await startService({ MAX_CONNECTIONS: "5" });
    const answers = await Promise.all(range(30).map(() => RawPolling.statusOf(url)));
    expect(answers.filter((status) => status === 200)).toHaveLength(5);
  });

  test("handshakes that arrive in one write cannot slip in together", async () => {
    const { url, port } = await startService({ MAX_CONNECTIONS: "5" });
    const handshake = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n";
    const last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const tcp = await RawTcp.open(port, `${handshake}\r\n`.repeat(30) + last);
    const letIn = (await tcp.ended).match(/0\{"sid":"[^"]+"/g) ?? [];
    for (const answer of letIn) RawPolling.adopt(url, answer);
    expect(letIn).toHaveLength(5);
  });
});

describe("origins", () => {
  const GOOD = "https://chat.example.com";
  const FOREIGN = [
    "https://evil.example",
    "null",
    "",
    "http://chat.example.com",
    "https://chat.example.com:8443",
    "https://chat.example.com.evil.example",
    "https://evil.example/https://chat.example.com",
    "https://evilchat.example.com",
    "https://chat-example.com",
    "https://chatXexample.com",
    "https://chat.example.com/",
    "https://chat.example.com@evil.example",
    "https://CHAT.example.com",
    "https://chat.example.com https://evil.example",
    "https://chat.example.com, https://evil.example",
    "*",
    "file://",
  ];
  const OTHER_ORIGIN = { data: null, error: { message: "Origin is not allowed", status: 403, errors: [] } };

  /** The status of every way in: HTTP, its preflight, a handshake, its preflight, a poll, a post, two upgrades. */
  async function everyWayIn(url: string, headers: Record<string, string>): Promise<Record<string, number>> {
    const session = await RawPolling.connect(url); // opened without an Origin, then used with one
    const upgrading = await RawPolling.connect(url);
    const engine = "/socket.io/?EIO=4&transport=polling";
    const request = async (path: string, method = "GET", body?: string) => {
      const port = Number(new URL(url).port);
      const lines = Object.entries({ Host: `localhost:${String(port)}`, Connection: "close", ...headers });
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const length = body === undefined ? "" : `Content-Length: ${String(body.length)}\r\n`;
      const answer = await exchange(port, `${method} ${path} HTTP/1.1\r\n${head}${length}\r\n${body ?? ""}`);
      if (answer.body.includes('"sid"')) RawPolling.adopt(url, answer.body, { headers });
      return answer.status;
    };
    return {
      http: await request("/rooms"),
      httpPreflight: await request("/rooms", "OPTIONS"),
      handshake: await request(engine),
      preflight: await request(engine, "OPTIONS"),
      post: await request(`${engine}&sid=${session.sid}`, "POST", DISCONNECT),
      websocket: await RawWebSocket.statusOf(url, { headers }),
      upgrade: await RawWebSocket.statusOf(url, { headers, query: `EIO=4&sid=${upgrading.sid}` }),
    };
  }

  const LET_IN = {
    http: 200,
    httpPreflight: 204,
    handshake: 200,
    preflight: 204,
    post: 200,
    websocket: 101,
    upgrade: 101,
  };
  const KEPT_OUT = Object.fromEntries(Object.keys(LET_IN).map((way) => [way, 403]));

  test("foreign, null and look-alike origins are kept out everywhere", async () => {
    const { url, canaries } = await start({ ALLOWED_ORIGINS: `${GOOD},http://localhost:3000` });
    for (const origin of FOREIGN) {
      const ways = await everyWayIn(url, { Origin: origin });
      expect({ origin, ways }).toEqual({ origin, ways: KEPT_OUT });
    }
    await canaries.check("foreign origins");
  });

  test("a poll with a foreign origin is refused and does not disturb the session", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: GOOD });
    const session = await RawPolling.connect(url);
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${session.sid}`, {
      headers: { Origin: "https://evil.example" },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(await answer.json()).toEqual(OTHER_ORIGIN);
    await session.post(`421["${EVENTS.newMessage}",{}]`);
    expect((await session.poll()).packets[0]).toMatch(/^431\[/);
  });

  test("listed origins, the server's own and none at all are let in everywhere", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: `${GOOD},http://localhost:3000` });
    for (const headers of [{ Origin: GOOD }, { Origin: "http://localhost:3000" }, { Origin: url }, {}]) {
      const ways = await everyWayIn(url, headers as Record<string, string>);
      expect({ headers, ways }).toEqual({ headers, ways: LET_IN });
    }
  });

  test("the server's own origin is https only behind a trusted proxy that says so", async () => {
    const plain = await startService();
    const proxied = await startService({ TRUST_PROXY: "1" });
    const headers = ({ port }: RunningService) => ({
      Origin: `https://localhost:${String(port)}`,
      "X-Forwarded-Proto": "https",
    });
    expect(await everyWayIn(plain.url, headers(plain))).toEqual(KEPT_OUT);
    expect(await everyWayIn(proxied.url, headers(proxied))).toEqual(LET_IN);
  });

  test("* lets every origin in, and the answer names it, as credentials require", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: "*" });
    const session = await RawPolling.connect(url);
    for (const origin of ["https://evil.example", "null"]) {
      expect(await everyWayIn(url, { Origin: origin })).toEqual(LET_IN);
      for (const path of ["/rooms", `/socket.io/?EIO=4&transport=polling&sid=${session.sid}`]) {
        await session.post(`421["${EVENTS.newMessage}",{}]`); // something for the poll to bring
        const answer = await fetch(`${url}${path}`, { headers: { Origin: origin } });
        await answer.text();
        expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
        expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      }
    }
  });

  test("no page can read the chat by script tag: JSON-P, which names no origin, is off", async () => {
    const { url } = await startService();
    for (const query of ["EIO=3&transport=polling&j=0", "EIO=4&transport=polling&j=0"]) {
      const answer = await fetch(`${url}/socket.io/?${query}`);
      const body = await answer.text();
      if (answer.status === 200) RawPolling.adopt(url, body.replaceAll("\\", ""));
      expect({ query, status: answer.status }).toEqual({ query, status: 400 });
    }
  });
});
