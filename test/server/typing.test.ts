import { EVENTS, type DataEnvelope, type TypingInformation } from "../../src/protocol/events";
import type { NewTypingInformation } from "../../src/protocol/payloads";
import { sendAcked, wholeHistory } from "../support/chat";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService } from "../support/service";
import { CLIENTS, TestClient, type TestClientOptions } from "../support/testClient";
import { numbers } from "../support/numbers";
import { PETS, COOKING } from "../support/rooms";

const OPTED_IN = { auth: { typing: true } };
const ANSWER = [{ data: {}, error: null }];

function typing(overrides: Partial<NewTypingInformation> = {}): NewTypingInformation {
  return { username: "ana", chatRoom: COOKING, isTyping: true, ...overrides };
}

/** Resolves with the answer to the callback; by then the event was relayed. */
function type(client: TestClient, overrides: Partial<NewTypingInformation> = {}): Promise<unknown[]> {
  return client.ask(EVENTS.newTypingInformation, typing(overrides));
}

async function nextTyping(client: TestClient, count = 1): Promise<TypingInformation[]> {
  const envelopes = await client.waitFor<DataEnvelope<TypingInformation>>(EVENTS.typingInformation, count);
  return envelopes.map(({ data }) => data);
}

async function start(env: Record<string, string> = {}) {
  const { url } = await startService(env);
  const [sender, listener] = await Promise.all([TestClient.connect(url, OPTED_IN), TestClient.connect(url, OPTED_IN)]); // prettier-ignore
  return { url, sender, listener };
}

test.each(CLIENTS)(
  "typing of $name reaches the clients that opted in, as documented",
  async ({ options }) => {
    const { url, listener } = await start();
    const sender = await TestClient.connect(url, options);
    expect(await type(sender, { chatRoom: { label: "Kitchen", name: "/cooking" } })).toEqual(ANSWER);
    expect(await listener.waitForArguments(EVENTS.typingInformation)).toEqual([
      [{ data: { username: "ana", chatRoom: COOKING, isTyping: true }, error: null }],
    ]);
    await type(sender, { isTyping: false });
    expect(await nextTyping(listener)).toEqual([typing({ isTyping: false })]);
  },
);

test("neither the sender nor a base client receives it", async () => {
  const { url, sender, listener } = await start();
  const others: TestClientOptions[] = [
    ...CLIENTS.map(({ options }) => options),
    { auth: { typing: false } },
    { auth: { resume: {} } },
    { generation: "2.x", auth: { typing: true } },
  ];
  const base = await Promise.all(others.map((options) => TestClient.connect(url, options)));
  await type(sender);
  await nextTyping(listener);
  await sendAcked(sender); // the marker
  for (const client of [sender, listener, ...base]) await client.waitFor("/cooking");
  for (const client of [sender, listener, ...base]) expect(client.queuedEvents()).not.toContain(EVENTS.typingInformation); // prettier-ignore
});

test("of several clients that type at once, each receives the others and never itself", async () => {
  const { url } = await startService(NO_RATE_LIMITS);
  const names = numbers(6);
  const clients = await Promise.all(names.map(() => TestClient.connect(url, OPTED_IN)));
  await Promise.all(clients.map((client, index) => type(client, { username: String(index) })));
  for (const [index, client] of clients.entries()) {
    const others = (await nextTyping(client, 5)).map(({ username }) => username).sort();
    expect(others).toEqual(names.filter((name) => name !== String(index)));
    expect(client.queuedEvents()).toEqual([]);
  }
});

test("typing is not stored", async () => {
  const { url, sender, listener } = await start();
  await type(sender);
  await nextTyping(listener);
  expect(await wholeHistory(url)).toEqual([]);
  const late = await TestClient.connect(url, { auth: { typing: true, resume: {} } });
  await late.waitFor(EVENTS.resumed);
  expect(late.queuedEvents()).toEqual([]);
});

describe("a client that vanishes", () => {
  test.each(CLIENTS)("while typing is reported as stopped: $name", async ({ options }) => {
    const { url, listener } = await start();
    const sender = await TestClient.connect(url, options);
    await type(sender);
    expect(await nextTyping(listener)).toEqual([typing()]);
    sender.disconnect();
    expect(await nextTyping(listener)).toEqual([typing({ isTyping: false })]);
  });

  test("without a disconnect packet is reported, too", async () => {
    const { sender, listener } = await start();
    await type(sender);
    await nextTyping(listener);
    sender.socket.io.engine.close();
    expect(await nextTyping(listener)).toEqual([typing({ isTyping: false })]);
  });

  test("is reported in every room it was typing in, and in no other", async () => {
    const { url, sender, listener } = await start();
    const money = { label: "$$Money$$", name: "/money" };
    await type(sender);
    await type(sender, { chatRoom: PETS });
    await type(sender, { chatRoom: money });
    await type(sender, { chatRoom: money, isTyping: false });
    await nextTyping(listener, 4);
    sender.disconnect();
    const stopped = await nextTyping(listener, 2);
    expect(stopped).toEqual([typing({ isTyping: false }), typing({ chatRoom: PETS, isTyping: false })]);
    await sendAcked(await TestClient.connect(url));
    await listener.waitFor("/cooking");
    expect(listener.queuedEvents()).toEqual([]);
  });

  test("is not reported if it had stopped or never typed", async () => {
    const { url, sender, listener } = await start();
    const silent = await TestClient.connect(url);
    await type(sender);
    await type(sender, { isTyping: false });
    await nextTyping(listener, 2);
    sender.disconnect();
    silent.disconnect();
    const marker = await TestClient.connect(url);
    await type(marker, { username: "marker" });
    expect((await nextTyping(listener)).map(({ username }) => username)).toEqual(["marker"]);
  });

  test("is reported under the last name it typed; another name has ended the one before", async () => {
    const { sender, listener } = await start();
    await type(sender, { username: "ana" });
    await type(sender, { username: "bo" });
    sender.disconnect();
    expect(await nextTyping(listener, 4)).toEqual([
      typing({ username: "ana" }),
      typing({ username: "ana", isTyping: false }),
      typing({ username: "bo" }),
      typing({ username: "bo", isTyping: false }),
    ]);
  });

  test("and was present is reported beside the change of presence", async () => {
    const { sender, listener } = await start(NO_RATE_LIMITS);
    sender.announcePresence();
    await type(sender);
    await listener.waitFor(EVENTS.presenceInformation);
    await nextTyping(listener);
    sender.disconnect();
    await listener.waitFor(EVENTS.presenceInformation);
    expect(await nextTyping(listener)).toEqual([typing({ isTyping: false })]);
  });

  test("is reported to clients on long polling", async () => {
    const { url, sender } = await start();
    const listener = await TestClient.connect(url, { ...OPTED_IN, transports: ["polling"] });
    sender.announcePresence();
    await type(sender);
    await listener.waitFor(EVENTS.presenceInformation);
    sender.disconnect();
    await listener.waitFor(EVENTS.presenceInformation);
    const last = async (): Promise<TypingInformation | undefined> => (await nextTyping(listener)).at(-1);
    let latest = await last();
    if (latest?.isTyping === true) latest = await last(); // the first may have been left out: best effort
    expect(latest).toEqual(typing({ isTyping: false }));
  });
});

test("the end of typing is delivered however busy the room is", async () => {
  const { url, sender, listener } = await start(NO_RATE_LIMITS);
  const busy = await TestClient.connect(url);
  let isBusy = true;
  const sending = (async () => {
    while (isBusy) await Promise.all(numbers(20).map((message) => sendAcked(busy, { message })));
  })();
  for (let round = 0; round < 20; round += 1) {
    await type(sender);
    await type(sender, { isTyping: false });
  }
  sender.disconnect();
  isBusy = false;
  await sending;
  await type(await TestClient.connect(url), { username: "marker", isTyping: false });
  await sendAcked(busy, { message: "marker" });
  let received: TypingInformation[] = [];
  while (received.at(-1)?.username !== "marker") received = [...received, ...(await nextTyping(listener))];
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
    expect((await nextTyping(listener))[0]?.username).toBe("marker");
  });

  test.each(["/nowhere", "__proto__", "constructor"])("the room %s", async (name) => {
    const { sender, listener } = await start();
    const error = { message: "Chat room does not exist", status: 404, errors: [] };
    expect(await type(sender, { chatRoom: { label: "x", name } })).toEqual([{ data: null, error }]);
    await type(sender, { username: "marker" });
    expect((await nextTyping(listener))[0]?.username).toBe("marker");
  });
});

describe("more than the limit", () => {
  const refused = [{ data: null, error: { message: "Too many requests", status: 429, errors: [] } }];

  test("is refused with 429 after 20 at once, for this client alone and for typing alone", async () => {
    const { sender, listener } = await start();
    const answers = await Promise.all(numbers(25).map(() => type(sender)));
    expect(answers).toEqual([...Array<unknown>(20).fill(ANSWER), ...Array<unknown>(5).fill(refused)]);
    await nextTyping(listener, 20);
    expect(await type(listener)).toEqual(ANSWER);
    await sendAcked(sender);
    await listener.waitFor("/cooking");
    expect(listener.queuedEvents()).toEqual([]);
  });

  test("follows TYPING_PER_SECOND and TYPING_BURST; without a callback the refusal is a server_error", async () => {
    const { sender } = await start({ TYPING_PER_SECOND: "1", TYPING_BURST: "2" });
    for (let i = 0; i < 3; i += 1) sender.socket.emit(EVENTS.newTypingInformation, typing());
    expect(await sender.waitFor(EVENTS.serverError)).toEqual([refused[0]]);
  });

  test("does not suppress the end of typing when the client vanishes", async () => {
    const { sender, listener } = await start({ TYPING_PER_SECOND: "1", TYPING_BURST: "1" });
    await type(sender);
    expect(await type(sender, { isTyping: false })).toEqual(refused);
    sender.disconnect();
    expect(await nextTyping(listener, 2)).toEqual([typing(), typing({ isTyping: false })]);
  });
});
