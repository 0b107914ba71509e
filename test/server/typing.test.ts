import { EVENTS, type DataEnvelope, type TypingInformation } from "../../src/protocol/events";
import type { NewTypingInformation } from "../../src/protocol/payloads";
import { numbers, PETS, sendAcked, wholeHistory } from "../support/chat";
import { startService } from "../support/service";
import { CLIENTS, COOKING, TestClient, type TestClientOptions } from "../support/testClient";

const OPTED_IN = { auth: { typing: true } };
const NO_LIMITS = { TYPING_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" };
const ANSWER = [{ data: {}, error: null }];

function typing(overrides: Partial<NewTypingInformation> = {}): NewTypingInformation {
  return { username: "ana", chatRoom: COOKING, isTyping: true, ...overrides };
}

/** Resolves with the answer to the callback; by then the event was relayed. */
function type(client: TestClient, overrides: Partial<NewTypingInformation> = {}): Promise<unknown[]> {
  return client.ask(EVENTS.newTypingInformation, typing(overrides));
}

async function heard(client: TestClient, count = 1): Promise<TypingInformation[]> {
  const envelopes = await client.waitFor<DataEnvelope<TypingInformation>>(EVENTS.typingInformation, count);
  return envelopes.map(({ data }) => data);
}

async function start(env: Record<string, string> = {}) {
  const { url } = await startService(env);
  const [sender, listener] = await Promise.all([TestClient.connect(url, OPTED_IN), TestClient.connect(url, OPTED_IN)]); // prettier-ignore
  return { url, sender, listener };
}

test.each(CLIENTS)("what $name types reaches those who asked for it, as documented", async ({ options }) => {
  const { url, listener } = await start();
  const sender = await TestClient.connect(url, options);
  expect(await type(sender, { chatRoom: { label: "Kitchen", name: "/cooking" } })).toEqual(ANSWER);
  expect(await listener.waitForArguments(EVENTS.typingInformation)).toEqual([
    [{ data: { username: "ana", chatRoom: COOKING, isTyping: true }, error: null }],
  ]);
  await type(sender, { isTyping: false });
  expect(await heard(listener)).toEqual([typing({ isTyping: false })]);
});

test("the sender itself hears nothing, nor do base clients of any kind", async () => {
  const { url, sender, listener } = await start();
  const others: TestClientOptions[] = [
    ...CLIENTS.map(({ options }) => options),
    { auth: { typing: false } },
    { auth: { resume: {} } },
    { generation: "2.x", auth: { typing: true } },
  ];
  const base = await Promise.all(others.map((options) => TestClient.connect(url, options)));
  await type(sender);
  await heard(listener);
  await sendAcked(sender); // the marker
  for (const client of [sender, listener, ...base]) await client.waitFor("/cooking");
  for (const client of [sender, listener, ...base]) expect(client.queuedEvents()).not.toContain(EVENTS.typingInformation); // prettier-ignore
});

test("of several who type at once each hears all the others and never itself", async () => {
  const { url } = await startService(NO_LIMITS);
  const names = numbers(6);
  const clients = await Promise.all(names.map(() => TestClient.connect(url, OPTED_IN)));
  await Promise.all(clients.map((client, index) => type(client, { username: String(index) })));
  for (const [index, client] of clients.entries()) {
    const others = (await heard(client, 5)).map(({ username }) => username).sort();
    expect(others).toEqual(names.filter((name) => name !== String(index)));
    expect(client.queuedEvents()).toEqual([]);
  }
});

test("nothing of it is stored", async () => {
  const { url, sender, listener } = await start();
  await type(sender);
  await heard(listener);
  expect(await wholeHistory(url)).toEqual([]);
  const late = await TestClient.connect(url, { auth: { typing: true, resume: {} } });
  await late.waitFor(EVENTS.resumed);
  expect(late.queuedEvents()).toEqual([]);
});

describe("a client that vanishes", () => {
  test.each(CLIENTS)("while typing is said to have stopped: $name", async ({ options }) => {
    const { url, listener } = await start();
    const sender = await TestClient.connect(url, options);
    await type(sender);
    expect(await heard(listener)).toEqual([typing()]);
    sender.disconnect();
    expect(await heard(listener)).toEqual([typing({ isTyping: false })]);
  });

  test("without a good-bye is as well", async () => {
    const { sender, listener } = await start();
    await type(sender);
    await heard(listener);
    sender.socket.io.engine.close();
    expect(await heard(listener)).toEqual([typing({ isTyping: false })]);
  });

  test("is said so in every room it was typing in, and in no other", async () => {
    const { url, sender, listener } = await start();
    const money = { label: "$$Money$$", name: "/money" };
    await type(sender);
    await type(sender, { chatRoom: PETS });
    await type(sender, { chatRoom: money });
    await type(sender, { chatRoom: money, isTyping: false });
    await heard(listener, 4);
    sender.disconnect();
    const stopped = await heard(listener, 2);
    expect(stopped).toEqual([typing({ isTyping: false }), typing({ chatRoom: PETS, isTyping: false })]);
    await sendAcked(await TestClient.connect(url));
    await listener.waitFor("/cooking");
    expect(listener.queuedEvents()).toEqual([]);
  });

  test("and had stopped, or never typed, is not spoken of", async () => {
    const { url, sender, listener } = await start();
    const silent = await TestClient.connect(url);
    await type(sender);
    await type(sender, { isTyping: false });
    await heard(listener, 2);
    sender.disconnect();
    silent.disconnect();
    const marker = await TestClient.connect(url);
    await type(marker, { username: "marker" });
    expect((await heard(listener)).map(({ username }) => username)).toEqual(["marker"]);
  });

  test("after changing its name is said to have stopped under every name it typed", async () => {
    const { sender, listener } = await start();
    await type(sender, { username: "ana" });
    await type(sender, { username: "bo" });
    await heard(listener, 2);
    sender.disconnect();
    const [first, second] = await heard(listener, 2);
    expect([first?.username, second?.username].sort()).toEqual(["ana", "bo"]);
  });

  test("and was present is said to have stopped, although everybody hears of its leaving as well", async () => {
    const { sender, listener } = await start(NO_LIMITS);
    sender.announcePresence();
    await type(sender);
    await listener.waitFor(EVENTS.presenceInformation);
    await heard(listener);
    sender.disconnect();
    await listener.waitFor(EVENTS.presenceInformation);
    expect(await heard(listener)).toEqual([typing({ isTyping: false })]);
  });

  test("is said to have stopped to clients on long polling", async () => {
    const { url, sender } = await start();
    const listener = await TestClient.connect(url, { ...OPTED_IN, transports: ["polling"] });
    sender.announcePresence();
    await type(sender);
    await listener.waitFor(EVENTS.presenceInformation);
    sender.disconnect();
    await listener.waitFor(EVENTS.presenceInformation);
    const last = async (): Promise<TypingInformation | undefined> => (await heard(listener)).at(-1);
    let latest = await last();
    if (latest?.isTyping === true) latest = await last(); // the first may have been left out: best effort
    expect(latest).toEqual(typing({ isTyping: false }));
  });
});

test("that somebody stopped is heard beside the message that was typed, however busy the room", async () => {
  const { url, sender, listener } = await start(NO_LIMITS);
  const busy = await TestClient.connect(url);
  let isBusy = true;
  const talking = (async () => {
    while (isBusy) await Promise.all(numbers(20).map((message) => sendAcked(busy, { message })));
  })();
  for (let round = 0; round < 20; round += 1) {
    await type(sender);
    await type(sender, { isTyping: false });
  }
  sender.disconnect();
  isBusy = false;
  await talking;
  await type(await TestClient.connect(url), { username: "marker", isTyping: false });
  await sendAcked(busy, { message: "marker" });
  let received: TypingInformation[] = [];
  while (received.at(-1)?.username !== "marker") received = [...received, ...(await heard(listener))];
  const rightly = received.slice(0, -1);
  expect(rightly.length).toBeGreaterThan(0);
  expect(rightly.at(-1)).toEqual(typing({ isTyping: false }));
});

describe("refusals", () => {
  const invalid = (errors: string[]) => ({
    data: null,
    error: { message: "Incoming typing info is not valid", status: 404, errors },
  });

  test.each<[unknown, string[]]>([
    [undefined, ["should be object"]],
    [null, ["should be object"]],
    [[], ["should be object"]],
    [{}, ["username", "chatRoom", "isTyping"].map((name) => `should have required property '${name}'`)],
    [typing({ isTyping: "yes" as never }), ["should be boolean"]],
    [typing({ username: "" }), ["should NOT be shorter than 1 characters"]],
    [typing({ username: "x".repeat(65) }), ["should NOT be longer than 64 characters"]],
    [{ ...typing(), more: 1 }, ["should NOT have additional properties"]],
  ])("%j", async (payload, errors) => {
    const { sender, listener } = await start();
    expect(await sender.ask(EVENTS.newTypingInformation, payload)).toEqual([invalid(errors)]);
    sender.socket.emit(EVENTS.newTypingInformation, payload);
    expect(await sender.waitFor(EVENTS.serverError)).toEqual([invalid(errors)]);
    await type(sender, { username: "marker" });
    expect((await heard(listener))[0]?.username).toBe("marker");
  });

  test.each(["/nowhere", "__proto__", "constructor"])("the room %s", async (name) => {
    const { sender, listener } = await start();
    const error = { message: "Chat room does not exist", status: 404, errors: [] };
    expect(await type(sender, { chatRoom: { label: "x", name } })).toEqual([{ data: null, error }]);
    await type(sender, { username: "marker" });
    expect((await heard(listener))[0]?.username).toBe("marker");
  });
});

describe("more than the limit", () => {
  const refused = [{ data: null, error: { message: "Too many requests", status: 429, errors: [] } }];

  test("is refused with 429 after 20 at once, for this client and for typing alone", async () => {
    const { sender, listener } = await start();
    const answers = await Promise.all(numbers(25).map(() => type(sender)));
    expect(answers).toEqual([...Array<unknown>(20).fill(ANSWER), ...Array<unknown>(5).fill(refused)]);
    await heard(listener, 20);
    expect(await type(listener)).toEqual(ANSWER);
    await sendAcked(sender);
    await listener.waitFor("/cooking");
    expect(listener.queuedEvents()).toEqual([]);
  });

  test("is what TYPING_PER_SECOND and TYPING_BURST say; without a callback it is a server_error", async () => {
    const { sender } = await start({ TYPING_PER_SECOND: "1", TYPING_BURST: "2" });
    for (let i = 0; i < 3; i += 1) sender.socket.emit(EVENTS.newTypingInformation, typing());
    expect(await sender.waitFor(EVENTS.serverError)).toEqual([refused[0]]);
  });

  test("does not keep a client that vanishes from being said to have stopped", async () => {
    const { sender, listener } = await start({ TYPING_PER_SECOND: "1", TYPING_BURST: "1" });
    await type(sender);
    expect(await type(sender, { isTyping: false })).toEqual(refused);
    sender.disconnect();
    expect(await heard(listener, 2)).toEqual([typing(), typing({ isTyping: false })]);
  });
});
