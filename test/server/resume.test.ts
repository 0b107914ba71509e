import { rmSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { EVENTS } from "../../src/protocol/events";
import {
  ask,
  connectResuming,
  newMessage,
  resumedRooms,
  sendAcked,
  sendNumbered,
  texts,
  textsAndOffsets,
  wholeHistory,
} from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { Random } from "../support/random";
import { RawClient } from "../support/rawClient";
import { differences, Recorder } from "../support/recorder";
import { startService, type RunningService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { CLIENTS, TestClient, type TestClientOptions } from "../support/testClient";
import { until } from "../support/until";
import { numbers } from "../support/numbers";
import { PETS, ROOM_NAMES } from "../support/rooms";

const TRANSPORTS: [string, TestClientOptions][] = [
  ["websocket", { transports: ["websocket"] }],
  ["polling", { transports: ["polling"] }],
  ["polling, then an upgrade", { transports: ["polling", "websocket"] }],
];

async function start(env: Record<string, string> = {}): Promise<RunningService & { sender: TestClient }> {
  const service = await startService({ ...NO_RATE_LIMITS, ...env });
  return { ...service, sender: await TestClient.connect(service.url) };
}

/** The texts of all messages, and `resumed`, in the order of arrival. */
function sequence(client: RawClient): string[] {
  return client.frames
    .filter((frame) => frame.startsWith("2["))
    .map((frame) => JSON.parse(frame.slice(1)) as [string, { data: { message?: string } }])
    .map(([event, { data }]) => data.message ?? event);
}

describe("opting in", () => {
  test.each(TRANSPORTS)(
    "with {}, over %s: the client receives offsets from now on, and no replay",
    async (_name, options) => {
      const { url, sender } = await start();
      const [, last] = await sendNumbered(sender, 2);
      const client = await connectResuming(url, {}, options);
      const rooms = await resumedRooms(client);
      expect(Object.keys(rooms)).toEqual(ROOM_NAMES);
      for (const [name, room] of Object.entries(rooms)) {
        const offset = name === "/cooking" ? last : (expect.any(String) as string);
        expect(room).toEqual({ recovered: true, replayed: 0, offset });
      }
      const { offset } = await sendAcked(sender, { message: "live" });
      expect(textsAndOffsets(await client.waitForArguments("/cooking"))).toEqual([["live", offset]]);
      expect(client.queuedEvents()).toEqual([]);
    },
  );

  test("with null for every room is the same", async () => {
    const { url, sender } = await start();
    await sendNumbered(sender, 2);
    const client = await connectResuming(url, Object.fromEntries(ROOM_NAMES.map((room) => [room, null])));
    expect((await resumedRooms(client))["/cooking"]).toMatchObject({ recovered: true, replayed: 0 });
    await sendAcked(sender, { message: "live" });
    expect(texts(await client.waitForArguments("/cooking"))).toEqual(["live"]);
  });

  test("does not change which other events a client receives", async () => {
    const { url, sender } = await start();
    const client = await connectResuming(url, {});
    sender.announcePresence();
    expect(await client.waitForArguments(EVENTS.presenceInformation)).toEqual([
      [expect.objectContaining({ error: null })],
    ]);
  });
});

describe("resuming after an offset", () => {
  test.each(TRANSPORTS)(
    "the missed messages come in order, then `resumed`, then the live ones: %s",
    async (_n, options) => {
      const { url, sender } = await start();
      const offsets = await sendNumbered(sender, 450); // more than two of the server's pages
      await sendNumbered(sender, 30, { chatRoom: PETS });
      const client = await connectResuming(url, { "/cooking": offsets[9], "/pets": null }, options);
      const rooms = await resumedRooms(client);
      expect(rooms["/cooking"]).toEqual({ recovered: true, replayed: 440, offset: offsets[449] });
      expect(rooms["/pets"]).toMatchObject({ recovered: true, replayed: 0 });
      expect(client.queued("/cooking")).toHaveLength(440); // all before `resumed`
      const live = await sendNumbered(sender, 5, { message: "live" });
      const received = textsAndOffsets(await client.waitForArguments("/cooking", 445));
      expect(received.map(([text]) => text)).toEqual([...numbers(440, 10), ...Array<string>(5).fill("live")]);
      expect(received.map(([, offset]) => offset)).toEqual([...offsets.slice(10), ...live]);
      expect(client.queuedEvents()).toEqual([]);
    },
  );

  test("each missed message is read from the log once, in pages of at most 200", async () => {
    const DATA_DIR = temporaryDirectory();
    const { app, sender } = await start({ DATA_DIR });
    const ofPets = await sendNumbered(sender, 900, { chatRoom: PETS });
    const ofCooking = await sendNumbered(sender, 900);
    await app.stop();
    const { url } = await start({ DATA_DIR }); // which has no message in memory
    const read = EmbeddedMessageLog.prototype.read;
    const offsetsRead: Record<string, string[]> = {};
    const pageSizes: number[] = [];
    const spy = jest.spyOn(EmbeddedMessageLog.prototype, "read").mockImplementation(async function (
      this: EmbeddedMessageLog,
      room,
      request,
    ) {
      const page = await read.call(this, room, request);
      offsetsRead[room] = [...(offsetsRead[room] ?? []), ...page.messages.map(({ offset }) => offset)];
      pageSizes.push(page.messages.length);
      return page;
    });
    afterThisTest(() => spy.mockRestore());
    const client = await connectResuming(url, {
      "/cooking": ofCooking[99],
      "/pets": ofPets[9],
      "/money": null,
    });
    const rooms = await resumedRooms(client);
    expect(rooms["/pets"]).toEqual({ recovered: true, replayed: 890, offset: ofPets[899] });
    expect(offsetsRead).toEqual({ "/cooking": ofCooking.slice(100), "/pets": ofPets.slice(10) });
    expect(Math.max(...pageSizes)).toBe(200);
  });

  test("`resumed` comes once, after all rooms", async () => {
    const { url, sender } = await start();
    const head = (await resumedRooms(await connectResuming(url, {})))["/pets"]?.offset;
    const [first] = await sendNumbered(sender, 3);
    await sendNumbered(sender, 3, { chatRoom: PETS });
    const client = await RawClient.connect(url, { resume: { "/cooking": first, "/pets": head } });
    await until("resumed", () => client.received(EVENTS.resumed).length > 0);
    await sendAcked(sender, { message: "live" });
    await until("live", () => sequence(client).includes("live"));
    const received = sequence(client);
    expect(received.slice(-2)).toEqual([EVENTS.resumed, "live"]);
    expect(received.slice(0, -2).sort()).toEqual(["0", "1", "1", "2", "2"]);
  });

  test("the offsets of receipts and of `resumed` are valid, also that of an empty room", async () => {
    const { url, sender } = await start();
    const rooms = await resumedRooms(await connectResuming(url, {}));
    const { offset } = await sendAcked(sender, { message: "first" });
    await sendAcked(sender, { message: "second" });
    for (const [from, expected] of [
      [rooms["/cooking"]?.offset, ["first", "second"]],
      [offset, ["second"]],
    ] as const) {
      // prettier-ignore
      const client = await connectResuming(url, { "/cooking": from });
      expect((await resumedRooms(client))["/cooking"]).toMatchObject({ replayed: expected.length });
      expect(texts(await client.waitForArguments("/cooking", expected.length))).toEqual(expected);
    }
  });

  test("works repeatedly from the same offset", async () => {
    const { url, sender } = await start();
    const [first] = await sendNumbered(sender, 3);
    for (let i = 0; i < 3; i += 1) {
      const client = await connectResuming(url, { "/cooking": first });
      expect(texts(await client.waitForArguments("/cooking", 2))).toEqual(["1", "2"]);
    }
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("works after %s and a restart", async (signal) => {
    const DATA_DIR = temporaryDirectory();
    const before = await ServiceProcess.start({ DATA_DIR });
    const offsets = await sendNumbered(await TestClient.connect(before.url), 5);
    before.child.kill(signal);
    await before.exited;
    const after = await ServiceProcess.start({ DATA_DIR });
    const client = await connectResuming(after.url, { "/cooking": offsets[1] });
    expect((await resumedRooms(client))["/cooking"]).toEqual({ recovered: true, replayed: 3, offset: offsets[4] }); // prettier-ignore
    await sendAcked(client, { message: "live" });
    expect(texts(await client.waitForArguments("/cooking", 4))).toEqual(["2", "3", "4", "live"]);
  });

  test.each(TRANSPORTS)(
    "the longest messages are replayed, also those of four bytes per character: %s",
    async (_n, options) => {
      const { url, sender } = await start();
      const [first] = await sendNumbered(sender, 1);
      await sendNumbered(sender, 250, { message: "👋".repeat(4_000) });
      const client = await connectResuming(url, { "/cooking": first }, options);
      const outcome = await Promise.race([client.waitFor(EVENTS.resumed), client.disconnected()]);
      expect(outcome).toMatchObject([
        { data: { rooms: { "/cooking": { recovered: true, replayed: 250 } } } },
      ]);
    },
  );
});

describe("a room that cannot be recovered has `recovered: false`, and nothing is replayed, after", () => {
  const GARBAGE = ["", "0", "x", "-1", "__proto__", "\u0000", "000000000000-1", "9".repeat(64)];

  test.each(GARBAGE)("the offset %j", async (offset) => {
    const { url, sender } = await start();
    const sent = await sendNumbered(sender, 3);
    const client = await connectResuming(url, { "/cooking": offset, "/pets": null });
    const rooms = await resumedRooms(client);
    expect(rooms["/cooking"]).toEqual({ recovered: false, replayed: 0, offset: sent[2] });
    expect(rooms["/pets"]).toMatchObject({ recovered: true });
    await sendAcked(sender, { message: "live" });
    expect(texts(await client.waitForArguments("/cooking"))).toEqual(["live"]);
    expect(client.queuedEvents()).toEqual([]);
  });

  test("an offset in another spelling, or one that no message has yet", async () => {
    const { url, sender } = await start();
    const [offset = ""] = await sendNumbered(sender, 1);
    const [epoch = "", position = ""] = offset.split("-");
    for (const forged of [
      `${epoch}-0${position}`,
      `${epoch.toUpperCase()}X-1`,
      `${epoch}-zzzzzzzzzz`,
      `${epoch}-2`,
      ` ${offset}`,
    ]) {
      // prettier-ignore
      const client = await connectResuming(url, { "/cooking": forged });
      expect((await resumedRooms(client))["/cooking"]).toEqual({ recovered: false, replayed: 0, offset });
    }
  });

  test("an offset of another room", async () => {
    const { url, sender } = await start();
    await sendNumbered(sender, 3);
    const [ofPets] = await sendNumbered(sender, 3, { chatRoom: PETS });
    const client = await connectResuming(url, { "/cooking": ofPets });
    expect((await resumedRooms(client))["/cooking"]).toMatchObject({ recovered: false, replayed: 0 });
  });

  test("an offset that is no longer kept, but not after the one before the oldest kept", async () => {
    const { url, sender } = await start({ HISTORY_MAX_MESSAGES: "10" });
    const offsets = await sendNumbered(sender, 30);
    const late = await connectResuming(url, { "/cooking": offsets[18] });
    expect((await resumedRooms(late))["/cooking"]).toEqual({ recovered: false, replayed: 0, offset: offsets[29] }); // prettier-ignore
    const inTime = await connectResuming(url, { "/cooking": offsets[19] });
    expect((await resumedRooms(inTime))["/cooking"]).toMatchObject({ recovered: true, replayed: 10 });
  });

  test("an offset of a log that was lost", async () => {
    const DATA_DIR = temporaryDirectory();
    const before = await start({ DATA_DIR });
    const [first] = await sendNumbered(before.sender, 3);
    await before.app.stop();
    rmSync(join(DATA_DIR, "log"), { recursive: true });
    const after = await start({ DATA_DIR });
    const again = await sendNumbered(after.sender, 3);
    const client = await connectResuming(after.url, { "/cooking": first });
    expect((await resumedRooms(client))["/cooking"]).toEqual({ recovered: false, replayed: 0, offset: again[2] }); // prettier-ignore
  });

  test("1,001 missed messages, while 1,000 in another room are recovered", async () => {
    const { url, sender } = await start();
    const offsets = await sendNumbered(sender, 1_002);
    const ofPets = await sendNumbered(sender, 1_001, { chatRoom: PETS });
    const client = await connectResuming(url, { "/cooking": offsets[0], "/pets": ofPets[0] });
    const rooms = await resumedRooms(client);
    expect(rooms["/cooking"]).toEqual({ recovered: false, replayed: 0, offset: offsets[1_001] });
    expect(rooms["/pets"]).toEqual({ recovered: true, replayed: 1_000, offset: ofPets[1_000] });
    expect(texts(await client.waitForArguments("/pets", 1_000))).toEqual(numbers(1_000, 1));
    expect(client.queuedEvents()).toEqual([]);
  });
});

describe("the handshake", () => {
  async function refusalOf(url: string, auth: object): Promise<unknown> {
    return TestClient.connect(url, { auth: { ...auth } }).catch((error: unknown) => {
      const { message, data } = error as Error & { data: unknown };
      return { message, data };
    });
  }

  test.each<[string, object, string[]]>([
    ["a string as `resume`", { resume: "x" }, ["should be object"]],
    ["null as `resume`", { resume: null }, ["should be object"]],
    ["a list as `resume`", { resume: [] }, ["should be object"]],
    ["a number as offset", { resume: { "/cooking": 1 } }, []],
    ["an object as offset", { resume: { "/cooking": {} } }, []],
    ["a long offset", { resume: { "/cooking": "x".repeat(65) } }, []],
    ["a string as `typing`", { typing: "yes" }, ["should be boolean"]],
    ["null as `typing`", { typing: null }, ["should be boolean"]],
    ["an unknown key", { unknown: true }, ["should NOT have additional properties"]],
    ["1,001 rooms", { resume: Object.fromEntries(numbers(1_001).map((room) => [room, null])) }, []],
  ])("with %s is not valid", async (_name, auth, lines) => {
    const { url } = await startService();
    const errors = lines.length > 0 ? lines : (expect.arrayContaining([expect.any(String)]) as string[]);
    const refused = { message: "Handshake is not valid", data: { status: 400, errors } };
    expect(await refusalOf(url, auth)).toEqual(refused);
  });

  test("with an own key `__proto__` is not valid, and changes no prototype", async () => {
    const { url } = await startService();
    const auth = JSON.parse('{"__proto__":{"resume":{}}}') as object;
    const client = await RawClient.open(url, auth);
    await until("the handshake is answered", () => client.frames.length > 0);
    expect(client.frames[0]).toMatch(/^4\{"message":"Handshake is not valid"/);
  });

  test("rooms that do not exist are ignored, __proto__ and a thousand others included", async () => {
    const { url, sender } = await start();
    const [first] = await sendNumbered(sender, 2);
    const others = Object.fromEntries(numbers(995).map((name) => [`/${name}`, "x"]));
    const auth = `{"resume":{"__proto__":"x","constructor":null,"/cooking":"${String(first)}",${JSON.stringify(others).slice(1, -1)}}}`;
    const client = await RawClient.connect(url, JSON.parse(auth) as object);
    await until("resumed", () => client.received(EVENTS.resumed).length > 0);
    const [[envelope]] = client.received(EVENTS.resumed) as [[{ data: { rooms: Record<string, object> } }]];
    expect(Object.keys(envelope.data.rooms)).toEqual(ROOM_NAMES);
    expect(envelope.data.rooms["/cooking"]).toMatchObject({ recovered: true, replayed: 1 });
  });

  test("the keys of Socket.IO's own connection state recovery are ignored", async () => {
    const { url, sender } = await start();
    await sendNumbered(sender, 2);
    const client = await TestClient.connect(url, { auth: { pid: "x", offset: "y" } });
    await sendAcked(sender, { message: "live" });
    const [args] = await client.waitForArguments("/cooking");
    expect(args).toEqual([
      expect.objectContaining({ data: expect.objectContaining({ message: "live" }) as object }),
    ]);
    expect(client.queuedEvents()).toEqual([]);
  });

  test.each(CLIENTS)("$name without `auth` receives one argument and no `resumed`", async ({ options }) => {
    const { url, sender } = await start();
    const client = await TestClient.connect(url, options);
    await sendNumbered(sender, 2);
    for (const args of await client.waitForArguments("/cooking", 2)) expect(args).toHaveLength(1);
    expect(client.queuedEvents()).toEqual([]);
  });

  test.each(["websocket", "polling"] as const)("client 2.x over %s cannot opt in", async (transport) => {
    const { url, sender } = await start();
    const auth = { resume: "not even valid", typing: true };
    const client = await TestClient.connect(url, { generation: "2.x", transports: [transport], auth });
    await sendAcked(sender);
    const [args] = await client.waitForArguments("/cooking");
    expect(args).toHaveLength(1);
    expect(client.queuedEvents()).toEqual([]);
  });
});

describe("REPLAY_ON_CONNECT", () => {
  test.each(CLIENTS)(
    "$name receives the last messages of each room, then the live ones",
    async ({ options }) => {
      const { url, sender } = await start({ REPLAY_ON_CONNECT: "3" });
      await sendNumbered(sender, 5);
      await sendNumbered(sender, 2, { chatRoom: PETS });
      const client = await TestClient.connect(url, options);
      const replayed = await client.waitForArguments("/cooking", 3);
      expect(texts(replayed)).toEqual(["2", "3", "4"]);
      const pets = await client.waitForArguments("/pets", 2);
      expect(texts(pets)).toEqual(["0", "1"]);
      for (const args of [...replayed, ...pets]) expect(args).toHaveLength(1);
      await sendAcked(sender, { message: "live" });
      expect(texts(await client.waitForArguments("/cooking"))).toEqual(["live"]);
      expect(client.queuedEvents()).toEqual([]);
    },
  );

  test("a client that resumes receives what it missed and no more", async () => {
    const { url, sender } = await start({ REPLAY_ON_CONNECT: "3" });
    const offsets = await sendNumbered(sender, 5);
    const client = await connectResuming(url, { "/cooking": offsets[3] });
    expect((await resumedRooms(client))["/cooking"]).toMatchObject({ replayed: 1 });
    expect(texts(await client.waitForArguments("/cooking"))).toEqual(["4"]);
    expect(client.queuedEvents()).toEqual([]);
  });

  test("is followed by the live stream without gap or repetition, while others send", async () => {
    const { url, sender } = await start({ REPLAY_ON_CONNECT: "20" });
    await sendNumbered(sender, 100);
    let isSending = true;
    const sending = (async () => {
      for (let i = 100; isSending; i += 20) {
        await Promise.all(numbers(20, i).map((message) => sendAcked(sender, { message })));
      }
    })();
    for (let i = 0; i < 24; i += 1) {
      const client = await TestClient.connect(url, CLIENTS[i % CLIENTS.length]?.options);
      const received = texts(await client.waitForArguments("/cooking", 100)).map(Number);
      expect(received).toEqual(received.map((_, index) => Number(received[0]) + index));
      client.disconnect();
    }
    isSending = false;
    await sending;
  });

  test.each([
    [0, "websocket"],
    [0, "polling"],
    [1_000, "websocket"],
    [1_000, "polling"],
  ] as const)("%i, over %s: a change of presence meanwhile is received", async (count, transport) => {
    const { url, sender } = await start({ REPLAY_ON_CONNECT: String(count) });
    for (const chatRoom of [{ label: "x", name: "/cooking" }, PETS])
      await sendNumbered(sender, 300, { chatRoom });
    const client = await TestClient.connect(url, { transports: [transport] });
    client.announcePresence({ username: "bo" });
    const [presence] = await client.waitFor(EVENTS.presenceInformation);
    expect(presence).toMatchObject({ data: { usersPerRoom: { "/cooking": [{ username: "bo" }] } } });
  });

  test.each(CLIENTS)("$name receives long messages, too", async ({ options }) => {
    const { url, sender } = await start({ REPLAY_ON_CONNECT: "1000" });
    await sendNumbered(sender, 300, { message: "x".repeat(4_000) });
    const client = await TestClient.connect(url, options);
    const outcome = await Promise.race([client.waitFor("/cooking", 300), client.disconnected()]);
    expect(outcome).toHaveLength(300);
  });
});

test("a client that reads slowly during its replay receives everything in order, then the live stream", async () => {
  const { url, sender } = await start();
  const text = "x".repeat(3_500);
  const [first] = await sendNumbered(sender, 1);
  await Promise.all(numbers(900).map((i) => sendAcked(sender, { message: `${i} ${text}` })));
  const client = await RawClient.open(url, { resume: { "/cooking": first } });
  client.webSocket.pause();
  await Promise.all(numbers(100, 900).map((i) => sendAcked(sender, { message: `${i} ${text}` })));
  client.webSocket.resume();
  await until("resumed", () => client.received(EVENTS.resumed).length > 0);
  await sendAcked(sender, { message: "last" });
  await until("the live message", () => sequence(client).includes("last"));
  const received = sequence(client).filter((item) => item !== EVENTS.resumed);
  expect(received.map((text) => text.split(" ")[0])).toEqual([...numbers(1_000), "last"]);
  expect(client.received(EVENTS.resumed)).toHaveLength(1);
});

test("a client that sends during its replay receives its own messages once, in their place", async () => {
  const { url, sender } = await start();
  const [first] = await sendNumbered(sender, 600);
  const client = await RawClient.connect(url, { resume: { "/cooking": first } });
  client.send(...numbers(20).map((i) => `2${i}["new_message",${JSON.stringify(newMessage({ message: `own ${i}` }))}]`)); // prettier-ignore
  await until("its messages are acked", () => client.acks().length === 20);
  await sendAcked(sender, { message: "marker" });
  await until("the marker", () => sequence(client).includes("marker"));
  const received = sequence(client).filter((item) => item !== EVENTS.resumed);
  expect(received).toEqual((await wholeHistory(url)).slice(1).map(({ message }) => message));
});

test("clients that leave during their replay cause no error, and their connections end", async () => {
  const { url, sender, logs } = await start();
  const [first] = await sendNumbered(sender, 900);
  for (let i = 0; i < 40; i += 1) {
    const client = await RawClient.open(url, { resume: { "/cooking": first } });
    if (i % 2 === 0) await until("the replay has begun", () => client.frames.length > 0);
    client.webSocket.terminate();
  }
  await ask(sender, newMessage({ message: "marker" }));
  const count = (message: string) => logs.filter(({ msg }) => msg === message).length;
  await until("all have left", () => count("connected") === count("disconnected") + 1);
  expect(logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test("a client that polls more slowly than messages arrive is `resumed`", async () => {
  const { url, sender } = await start();
  const [first] = await sendNumbered(sender, 2);
  const session = `${url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(session)).text()).slice(1)) as { sid: string };
  const auth = JSON.stringify({ resume: { "/cooking": first } });
  await fetch(`${session}&sid=${sid}`, { method: "POST", body: `40${auth}` });
  const packets: string[] = [];
  for (
    let polls = 0;
    polls < 20 && !packets.some((packet) => packet.startsWith('42["resumed"'));
    polls += 1
  ) {
    await sendAcked(sender, { message: "one more" });
    packets.push(...(await (await fetch(`${session}&sid=${sid}`)).text()).split("\u001e"));
  }
  await fetch(`${session}&sid=${sid}`, { method: "POST", body: "1" }); // or the service would wait for a poll
  expect(packets.map((packet) => packet.slice(0, 12))).toContain('42["resumed"');
});

test("a client is `resumed` although messages arrive faster than the log is read", async () => {
  const { url, sender } = await start();
  const [first] = await sendNumbered(sender, 300);
  const read = EmbeddedMessageLog.prototype.read;
  const slow = jest.spyOn(EmbeddedMessageLog.prototype, "read").mockImplementation(async function (
    this: EmbeddedMessageLog,
    ...request
  ) {
    const page = await read.apply(this, request);
    await sendNumbered(sender, 2); // as other clients do while a remote store is read
    return page;
  });
  afterThisTest(() => slow.mockRestore());
  const client = await RawClient.connect(url, { resume: { "/cooking": first } });
  await until("resumed", () => client.received(EVENTS.resumed).length > 0);
  slow.mockRestore();
  await sendAcked(sender, { message: "last" });
  await until("the live message", () => sequence(client).includes("last"));
  const received = sequence(client).filter((item) => item !== EVENTS.resumed);
  expect(received).toEqual((await wholeHistory(url)).slice(1).map(({ message }) => message));
});

describe("at random", () => {
  const CONNECTIONS = 12; // of each recorder

  /** Sends bursts into random rooms until `stop` is called, which resolves after the last ack. */
  function sendAtRandom(senders: TestClient[], random: Random): { stop: () => Promise<void> } {
    let isStopped = false;
    const send = async (client: TestClient, username: string) => {
      for (let burst = 0; !isStopped; burst += 1) {
        const chatRoom = { label: "x", name: random.next() < 0.7 ? "/cooking" : random.pick(ROOM_NAMES) };
        const messages = numbers(random.between(1, 12)).map((part) => `${String(burst)}.${part}`);
        await Promise.all(messages.map((message) => sendAcked(client, { username, message, chatRoom })));
        for (let pause = random.between(0, 9); pause > 0; pause -= 1) await roundTrip(client);
      }
    };
    const sending = Promise.all(senders.map((client, index) => send(client, `sender ${String(index)}`)));
    const stop = async () => {
      isStopped = true;
      await sending;
    };
    return { stop };
  }

  async function roundTrip(client: TestClient): Promise<void> {
    await client.ask(EVENTS.newPresenceInformation, { username: "ana", avatar: "", currentRoom: PETS });
  }

  /** Leaves and connects again, each time until `resumed` and some messages later. */
  async function comeAndGo(
    recorder: Recorder,
    url: string,
    random: Random,
    bystander: TestClient,
  ): Promise<void> {
    while (recorder.connections < CONNECTIONS) {
      await recorder.waitForMessages(random.between(1, 150));
      recorder.drop(random);
      if (random.next() < 0.5) await roundTrip(bystander); // half of the time it comes back at once
      if (!(await recorder.connect(url, random))) recorder.violations.push("could not come back");
    }
  }

  test("clients that come and go while others send miss nothing and receive nothing twice", async () => {
    const random = new Random();
    const { url } = await start({ HISTORY_MAX_MESSAGES: "100000" });
    const senders = await Promise.all(numbers(4).map(() => TestClient.connect(url)));
    const recorders = numbers(20).map((name) => new Recorder(`client ${name}`, ROOM_NAMES));
    await Promise.all(recorders.map((recorder) => recorder.connect(url, random)));
    const traffic = sendAtRandom(senders, random);
    await Promise.all(recorders.map((recorder) => comeAndGo(recorder, url, random, random.pick(senders))));
    await traffic.stop();
    for (const recorder of recorders) {
      await recorder.connect(url, random); // `resumed` now means that the record is complete
      recorder.drop(random);
    }
    const problems = recorders.flatMap(({ violations }) => violations);
    for (const room of ROOM_NAMES) {
      const log = await wholeHistory(url, room);
      problems.push(...recorders.flatMap((recorder) => differences(recorder, room, log)));
    }
    expect({ seed: random.seed, problems: problems.slice(0, 10) }).toEqual({
      seed: random.seed,
      problems: [],
    });
  }, 60_000);
});
