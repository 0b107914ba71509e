import { CONNECT_TIMEOUT_MS } from "../../src/connections/socketServer";
import { EVENTS } from "../../src/protocol/events";
import {
  CONNECT,
  DISCONNECT,
  ENTER,
  HEARD,
  SAY,
  logged,
  sessionIsGone,
  startWithCanaries,
} from "../support/abuse";
import type { Canaries } from "../support/canaries";
import { afterThisTest } from "../support/disposal";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { CLIENTS, TestClient } from "../support/testClient";
import { until } from "../support/until";
import { range } from "../support/numbers";
import { COOKING } from "../support/rooms";

test("an event before CONNECT ends its connection and reaches no client", async () => {
  const { url, canaries } = await startWithCanaries();
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
  const { url, canaries } = await startWithCanaries();
  const socket = await RawWebSocket.open(url);
  socket.send(...range(1_000).map(() => CONNECT));
  await socket.waitFor("40{");
  socket.send(ENTER);
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor(EVENTS.presenceInformation);
  await socket.waitFor('42["presence_information"');
  socket.send(SAY);
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor("/cooking");
  await socket.waitFor(HEARD);
  socket.send(`427["${EVENTS.newMessage}",{}]`); // its answer comes after every copy of the message
  await socket.waitFor("437[");
  expect(socket.count("40{")).toBe(1);
  expect(socket.count(HEARD)).toBe(1);
  socket.webSocket.close();
  for (const canary of [canaries.a, canaries.b]) await canary.waitFor(EVENTS.presenceInformation);
  await canaries.check("the burst");
});

test("1,000 CONNECT packets in one polling request open exactly one socket", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.open(url);
  expect(await session.post(...range(1_000).map(() => CONNECT))).toBe(200);
  const answers: string[] = [];
  while (!answers.some((packet) => packet.startsWith("40{"))) answers.push(...(await session.poll()).packets);
  await canaries.check("the burst");
  while (!answers.some((packet) => packet.startsWith(HEARD))) answers.push(...(await session.poll()).packets);
  await session.post(`427["${EVENTS.newMessage}",{}]`);
  while (!answers.some((packet) => packet.startsWith("437"))) answers.push(...(await session.poll()).packets);
  expect(answers.filter((packet) => packet.startsWith("40{"))).toHaveLength(1);
  expect(answers.filter((packet) => packet.startsWith(HEARD))).toHaveLength(1);
});

test("other namespaces are refused and receive nothing", async () => {
  const { url, canaries } = await startWithCanaries();
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
      if (query === "EIO=3" && ["//", "/ "].includes(name)) continue; // there these are other spellings of "/"
      const socket = await RawWebSocket.open(url, { query });
      socket.send(`${CONNECT}${name},`);
      expect(await socket.waitFor(`44${name},`)).toBe(`44${name},{"message":"Invalid namespace"}`);
      await canaries.check(`${query} ${name}`);
      if (query === "EIO=4") {
        socket.send(`${CONNECT}/marker,`); // its answer comes after everything else that was sent to the client
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
    const { url, canaries } = await startWithCanaries();
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
  const { url, canaries } = await startWithCanaries();
  expect((await fetch(`${url}/socket.io/?EIO=4&${query}`)).status).toBe(400);
  await canaries.check(query);
});

test("a client that does not CONNECT is closed after 10 s", async () => {
  const { url, canaries } = await startWithCanaries();
  const opened = performance.now();
  const socket = await RawWebSocket.open(url);
  const session = await RawPolling.open(url);
  const poll = session.poll();
  const stranger = await RawWebSocket.open(url);
  const pongs = setInterval(() => stranger.send("3", `${CONNECT}/admin,`), 1_000); // busy, but never connected
  afterThisTest(() => clearInterval(pongs));
  await Promise.all([socket.closed, stranger.closed, poll]);
  const waited = performance.now() - opened;
  expect(waited).toBeGreaterThan(CONNECT_TIMEOUT_MS - 100);
  expect(waited).toBeLessThan(2 * CONNECT_TIMEOUT_MS - 1_000);
  expect((await poll).packets).toEqual(["1"]); // Engine.IO's CLOSE
  await sessionIsGone(session);
  await canaries.check("after the deadline");
});

describe("leaving", () => {
  test("packets that follow a DISCONNECT in the same write are ignored", async () => {
    const { url, canaries } = await startWithCanaries();
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
    const { url, canaries } = await startWithCanaries();
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
    "$name that announces presence and disconnects at once leaves no ghost",
    async ({ options }) => {
      const service = await startWithCanaries();
      const { url, canaries } = service;
      const hasty = await TestClient.connect(url, options);
      hasty.announcePresence();
      hasty.disconnect();
      await until("the hasty client is gone", () => logged(service, "disconnected") === 1);
      await sawNoGhost(canaries, "in a hurry");
    },
  );

  /** The presence may have been visible for a moment: then both canaries saw it come and go. */
  async function sawNoGhost({ a, b }: Canaries, context: string): Promise<void> {
    for (const canary of [a, b]) await canary.ask("what was sent before has arrived with the answer");
    for (const canary of [a, b]) {
      const seen = canary.queued(EVENTS.presenceInformation).length;
      const received = await canary.waitFor(EVENTS.presenceInformation, seen);
      expect({ context, last: received.at(-1) ?? null }).toEqual({
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

  test("a client that leaves the namespace is disconnected, also when it sends nothing more", async () => {
    const service = await startWithCanaries({ MAX_CONNECTIONS: "3" });
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
