import { EVENTS } from "../../src/protocol/events";
import { ask, historyPage, newMessage, sendAcked, sendNumbered, wholeHistory } from "../support/chat";
import { range } from "../support/numbers";
import { RawClient } from "../support/rawClient";
import { COOKING, PETS } from "../support/rooms";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { smallDisk } from "../support/smallDisk";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { CLIENTS, TestClient } from "../support/testClient";
import { until } from "../support/until";

const ISO_TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function refusal(message: string, status: number, errors: unknown = []) {
  return { data: null, error: { message, status, errors } };
}

describe.each(CLIENTS)("$name", ({ options }) => {
  test("gets a receipt with exactly the documented keys, and every client receives the message", async () => {
    const { url } = await startService();
    const sender = await TestClient.connect(url, options);
    const other = await TestClient.connect(url);
    const sent = newMessage();
    const answer = await sender.ask(EVENTS.newMessage, sent);
    expect(answer).toEqual([
      {
        data: {
          uuid: sent.uuid,
          serverTimestamp: expect.stringMatching(ISO_TIMESTAMP) as string,
          offset: expect.any(String) as string,
          duplicate: false,
        },
        error: null,
      },
    ]);
    const [{ data }] = answer as [{ data: { serverTimestamp: string } }];
    for (const client of [sender, other]) {
      expect(await client.waitForArguments("/cooking")).toEqual([
        [{ data: { ...sent, serverTimestamp: data.serverTimestamp }, error: null }],
      ]);
    }
  });

  test("gets the users of every room for its presence", async () => {
    const { url } = await startService();
    const client = await TestClient.connect(url, options);
    const presence = { username: "ana", avatar: "image link", currentRoom: COOKING };
    const usersPerRoom = {
      "/cooking": [{ username: "ana", avatar: "image link" }],
      "/money": [],
      "/travel": [],
      "/pets": [],
    };
    const expected = [{ data: { usersPerRoom }, error: null }];
    expect(await client.ask(EVENTS.newPresenceInformation, presence)).toEqual(expected);
    expect(await client.ask(EVENTS.newPresenceInformation, presence)).toEqual(expected);
  });

  test("gets refusals in the callback alone", async () => {
    const { url } = await startService();
    const client = await TestClient.connect(url, options);
    const other = await TestClient.connect(url);
    const badRoom = { label: "x", name: "/nowhere" };
    const required = expect.arrayContaining(["should have required property 'message'"]) as string[];
    const cases: [string, unknown[], object][] = [
      [EVENTS.newMessage, [{}], refusal("Incoming message is not valid", 404, required)],
      [EVENTS.newMessage, [], refusal("Incoming message is not valid", 404, ["should be object"])],
      [EVENTS.newMessage, [newMessage({ chatRoom: badRoom })], refusal("Chat room does not exist", 404)],
      [EVENTS.newPresenceInformation, [null], refusal("Incoming user info is not valid", 404, ["should be object"])], // prettier-ignore
      [EVENTS.newTypingInformation, ["x"], refusal("Incoming typing info is not valid", 404, ["should be object"])], // prettier-ignore
      ["no_such_event", [{}], refusal("Event is not known", 404)],
      ["no_such_event", [], refusal("Event is not known", 404)],
      ["__proto__", [1, 2, 3], refusal("Event is not known", 404)],
    ];
    for (const [event, args, answer] of cases) expect(await client.ask(event, ...args)).toEqual([answer]);

    await sendAcked(client); // the marker: anything that the refusals caused arrives before it
    await Promise.all([client.waitFor("/cooking"), other.waitFor("/cooking")]);
    expect([...client.queuedEvents(), ...other.queuedEvents()]).toEqual([]);
    expect((await historyPage(url, "/cooking")).messages).toHaveLength(1);
  });
});

test("every event with a callback is answered exactly once", async () => {
  const { url } = await startService({ ...NO_RATE_LIMITS, TYPING_PER_SECOND: "5", TYPING_BURST: "20" });
  const client = await RawClient.connect(url);
  const same = JSON.stringify(newMessage({ uuid: "same" }));
  const typing = JSON.stringify({ username: "ana", chatRoom: COOKING, isTyping: true });
  const presence = JSON.stringify({ username: "ana", avatar: "", currentRoom: COOKING });
  const events = [
    `["new_message",${same}]`,
    `["new_message",${same},"extra"]`,
    `["new_message",${JSON.stringify(newMessage({ uuid: "same", message: "other" }))}]`,
    `["new_message"]`,
    `["new_message",${JSON.stringify(newMessage())}]`,
    `["new_presence_information",${presence}]`,
    `["new_presence_information",null]`,
    `["no_such_event",{}]`,
    `[""]`,
    ...Array.from({ length: 30 }, () => `["new_typing_information",${typing}]`), // the last ten are refused
  ];
  client.send(...events.map((event, id) => `2${String(id)}${event}`));
  client.send(`2999["new_message",${JSON.stringify(newMessage({ message: "marker" }))}]`);
  await until("the marker is answered", () => client.acks().includes(999));
  await until("all are answered", () => client.acks().length > events.length);
  client.send(`21000["new_message",${JSON.stringify(newMessage())}]`); // shows that no answer comes late
  await until("the second marker is answered", () => client.acks().includes(1000));
  const expected = [...events.keys(), 999, 1000];
  expect(client.acks().sort((a, b) => a - b)).toEqual(expected);
  expect(client.received(EVENTS.serverError)).toEqual([]);
});

test("too many messages: the callback gets 429, and the refused uuid is free", async () => {
  const { url } = await startService({ MESSAGES_PER_SECOND: "1", MESSAGES_BURST: "1" });
  const [one, two] = await Promise.all([TestClient.connect(url), TestClient.connect(url)]);
  const message = newMessage();
  await sendAcked(one);
  expect(await ask(one, message)).toEqual(refusal("Too many requests", 429));
  expect(await ask(two, message)).toMatchObject({ data: { duplicate: false } });
});

describe("the same acked message again", () => {
  test("from the same connection and from another gets the first receipt, and is not broadcast again", async () => {
    const { url } = await startService();
    const [one, two] = await Promise.all([TestClient.connect(url), TestClient.connect(url)]);
    const message = newMessage();
    const first = await ask(one, message);
    const again = { data: { ...first.data, duplicate: true }, error: null };
    expect(first.data).toMatchObject({ duplicate: false });
    expect(await ask(one, message)).toEqual(again);
    expect(await ask(two, message)).toEqual(again);
    await sendAcked(one, { message: "marker" });
    const received = await two.waitFor<{ data: { message: string } }>("/cooking", 2);
    expect(received.map(({ data }) => data.message)).toEqual(["hello", "marker"]);
    expect(await wholeHistory(url)).toHaveLength(2);
  });

  test("with another label of the room is the same message", async () => {
    const { url } = await startService();
    const client = await TestClient.connect(url);
    const message = newMessage();
    await ask(client, message);
    const relabelled = { ...message, chatRoom: { label: "Kitchen", name: "/cooking" } };
    expect(await ask(client, relabelled)).toMatchObject({ data: { duplicate: true } });
  });

  test("while the first is still being stored is stored once", async () => {
    const { url } = await startService(NO_RATE_LIMITS);
    const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(url)));
    for (let round = 0; round < 20; round += 1) {
      const message = newMessage({ message: String(round) });
      const answers = await Promise.all(
        clients.flatMap((client) => Array.from({ length: 5 }, () => ask(client, message))),
      );
      expect(answers.filter(({ data }) => data?.duplicate === false)).toHaveLength(1);
      expect(new Set(answers.map(({ data }) => data?.offset)).size).toBe(1);
      expect(new Set(answers.map(({ data }) => data?.serverTimestamp)).size).toBe(1);
    }
    expect((await wholeHistory(url)).map(({ message }) => Number(message))).toEqual(range(20));
  });

  test("with another text is refused, also while the first is being stored, and the first stays", async () => {
    const { url } = await startService();
    const [one, two] = await Promise.all([TestClient.connect(url), TestClient.connect(url)]);
    const message = newMessage();
    const answers = await Promise.all([ask(one, message), ask(one, { ...message, message: "other" })]);
    const refused = refusal("Message uuid was already used", 409);
    expect(answers[0]).toMatchObject({ data: { duplicate: false } });
    expect(answers[1]).toEqual(refused);
    expect(await ask(two, { ...message, message: "other" })).toEqual(refused);
    expect(await ask(two, message)).toMatchObject({ data: { duplicate: true } });
    await sendAcked(one);
    await two.waitFor("/cooking", 2);
    expect(two.queuedEvents()).toEqual([]);
    expect(one.queuedEvents()).not.toContain(EVENTS.serverError);
  });

  test("from another user, or in another room, is another message", async () => {
    const { url } = await startService();
    const client = await TestClient.connect(url);
    const message = newMessage({ uuid: "1234" });
    for (const variant of [{}, { username: "bo" }, { chatRoom: PETS }, { username: "bo", chatRoom: PETS }]) {
      expect(await ask(client, { ...message, ...variant })).toMatchObject({ data: { duplicate: false } });
    }
    expect(await wholeHistory(url, "/pets")).toHaveLength(2);
    expect(await wholeHistory(url, "/cooking")).toHaveLength(2);
  });

  test.each(["__proto__", "constructor", '","', "\u0000", "\ud800", "👋".repeat(32)])(
    "works for the uuid %j",
    async (uuid) => {
      const { url } = await startService();
      const client = await TestClient.connect(url);
      expect(await ask(client, newMessage({ uuid }))).toMatchObject({ data: { uuid, duplicate: false } });
      expect(await ask(client, newMessage({ uuid }))).toMatchObject({ data: { uuid, duplicate: true } });
    },
  );

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "after %s and a restart gets the first receipt",
    async (signal) => {
      const DATA_DIR = temporaryDirectory();
      const message = newMessage();
      const before = await ServiceProcess.start({ DATA_DIR });
      const first = await ask(await TestClient.connect(before.url), message);
      before.child.kill(signal);
      await before.exited;

      const after = await ServiceProcess.start({ DATA_DIR });
      const client = await TestClient.connect(after.url);
      expect(await ask(client, message)).toEqual({ data: { ...first.data, duplicate: true }, error: null });
      const refused = refusal("Message uuid was already used", 409);
      expect(await ask(client, { ...message, message: "other" })).toEqual(refused);
      await sendAcked(client, { message: "marker" });
      await client.waitFor("/cooking");
      expect(client.queuedEvents()).toEqual([]);
      expect((await wholeHistory(after.url)).map(({ message: text }) => text)).toEqual(["hello", "marker"]);
    },
  );
});

test("without a callback the same message is broadcast each time, before, between and after acked ones", async () => {
  const { url } = await startService();
  const client = await TestClient.connect(url);
  const message = newMessage();
  client.sendMessage(message);
  client.sendMessage(message);
  expect(await ask(client, message)).toMatchObject({ data: { duplicate: false } });
  client.sendMessage(message);
  expect(await ask(client, message)).toMatchObject({ data: { duplicate: true } });
  expect(await client.waitFor("/cooking", 4)).toHaveLength(4);
  expect(await wholeHistory(url)).toHaveLength(4);
});

test("a refused message leaves its uuid free", async () => {
  const { url } = await startService();
  const client = await TestClient.connect(url);
  const message = newMessage();
  await ask(client, { ...message, message: "" });
  await ask(client, { ...message, message: "x".repeat(4_001) });
  await ask(client, { ...message, chatRoom: { label: "x", name: "/nowhere" } });
  expect(await ask(client, message)).toMatchObject({ data: { duplicate: false } });
});

test("a base client receives exactly the documented bytes, also beside clients that use extensions", async () => {
  const { url } = await startService();
  const base = await RawClient.connect(url);
  const resuming = await TestClient.connect(url, { auth: { resume: {}, typing: true } });
  const message = newMessage({ chatRoom: { label: "Kitchen", name: "/cooking" } });
  await resuming.ask(EVENTS.newTypingInformation, { username: "ana", chatRoom: COOKING, isTyping: true });
  const { data } = await ask(resuming, message);
  await ask(resuming, message);
  await until("the base client has the message", () => base.received("/cooking").length > 0);
  base.send(`2["new_message",{}]`, `2["no_such_event"]`, `2["new_message",{}]`);
  await until("it has its refusals", () => base.received(EVENTS.serverError).length === 2);

  const expected = {
    data: {
      message: "hello",
      username: "ana",
      chatRoom: COOKING,
      uuid: message.uuid,
      serverTimestamp: data?.serverTimestamp,
    },
    error: null,
  };
  expect(base.frames.slice(1, 2)).toEqual([`2${JSON.stringify(["/cooking", expected])}`]);
  expect(base.frames).toHaveLength(4);
});

describe("with a full disk", () => {
  const notStored = refusal("Message could not be stored", 503);

  /** A process of its own: LMDB reports failures on standard error, and the full disk must not affect Jest. */
  async function startOnSmallDisk(env: Record<string, string> = {}) {
    const disk = smallDisk();
    const { url, child } = await ServiceProcess.start({
      ...NO_RATE_LIMITS,
      DATA_DIR: disk.directory,
      ...env,
    });
    return { url, fillDisk: () => disk.fill(child.pid), freeDisk: disk.free };
  }

  test("messages are refused with 503, everything else works, and a retry is stored once there is space", async () => {
    const { url, fillDisk, freeDisk } = await startOnSmallDisk();
    const client = await TestClient.connect(url);
    const other = await TestClient.connect(url, { auth: { typing: true } });
    await sendAcked(client, { message: "before" });
    await other.waitFor("/cooking");

    fillDisk();
    const message = newMessage({ message: "retried" });
    expect(await ask(client, message)).toEqual(notStored);
    client.sendMessage();
    expect(await client.waitFor(EVENTS.serverError)).toEqual([notStored]);
    client.announcePresence();
    await other.waitFor(EVENTS.presenceInformation);
    const typing = { username: "ana", chatRoom: COOKING, isTyping: true };
    expect(await client.ask(EVENTS.newTypingInformation, typing)).toEqual([{ data: {}, error: null }]);
    await other.waitFor(EVENTS.typingInformation);
    expect((await historyPage(url, "/cooking")).messages).toHaveLength(1);
    const newcomer = await TestClient.connect(url, { auth: { resume: {} } });
    await newcomer.waitFor(EVENTS.resumed);

    freeDisk();
    const answers: unknown[] = [];
    await until("the message is stored", async () => {
      const answer = await ask(client, message);
      answers.push(answer);
      return answer.data !== null;
    });
    expect(answers.at(-1)).toMatchObject({ data: { duplicate: false } });
    expect(answers.slice(0, -1).filter((answer) => JSON.stringify(answer) !== JSON.stringify(notStored))).toEqual([]); // prettier-ignore
    await other.waitFor("/cooking");
    await sendAcked(client, { message: "marker" });
    await other.waitFor("/cooking");
    expect(other.queuedEvents()).toEqual([]);
    const kept = (await wholeHistory(url)).map(({ message: text }) => text);
    expect(kept).toEqual(["before", "retried", "marker"]);
  });

  test("stored messages stay, however many messages are refused", async () => {
    const { url, fillDisk, freeDisk } = await startOnSmallDisk({ HISTORY_MAX_MESSAGES: "10" });
    const client = await TestClient.connect(url);
    const [first = ""] = await sendNumbered(client, 5);
    fillDisk();
    const refused = await Promise.all(Array.from({ length: 50 }, () => ask(client, newMessage())));
    expect(refused.every(({ error }) => error?.status === 503)).toBe(true);
    freeDisk();
    await until("messages are stored again", async () => (await ask(client, newMessage({ uuid: "5", message: "5" }))).data !== null); // prettier-ignore
    const kept = (await wholeHistory(url)).map(({ message }) => message);
    expect(kept).toEqual(["0", "1", "2", "3", "4", "5"]);
    const page = await historyPage(url, "/cooking", `?after=${first}`);
    expect(page.messages.map(({ message }) => message)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("paging through history ends where messages were refused before the first stored one", async () => {
    const { url, fillDisk, freeDisk } = await startOnSmallDisk();
    const client = await TestClient.connect(url);
    fillDisk();
    await Promise.all(Array.from({ length: 5 }, () => ask(client, newMessage())));
    freeDisk();
    await until("messages are stored again", async () => (await ask(client, newMessage({ uuid: "1" }))).data !== null); // prettier-ignore
    expect(await historyPage(url, "/cooking")).toMatchObject({ messages: [{ uuid: "1" }], before: null, after: null }); // prettier-ignore
  });
});
