import type { ChatClientOptions, FetchLike, GetToken } from "../../src/client/chatClient";
import { sendNumbered } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { NO_RECONNECTION, RecordedChatClient } from "../support/recordedChatClient";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { JWT_SECRET, seconds, signed } from "../support/tokens";
import { until } from "../support/until";

const open = (url: string, auth: GetToken, options: ChatClientOptions = {}): RecordedChatClient =>
  RecordedChatClient.open(url, { auth, ...options });

test("each connection gets a token of its own, and after its expiry nothing is lost or doubled", async () => {
  const { url } = await startService({ JWT_SECRET, MESSAGES_PER_SECOND: "0" });
  const bo = open(url, () => signed({ sub: "bo" }), { username: "bo" });
  const given: string[] = [];
  const ana = open(url, async () => {
    given.push(await signed({ exp: seconds(1_000) }));
    return given.at(-1) ?? "";
  });
  await ana.isOnline();
  const sent: string[] = [];
  while (given.length < 4) {
    sent.push(String(sent.length));
    await (sent.length % 2 ? ana : bo).client.send("/cooking", sent.at(-1) ?? "");
  }
  await ana.received(sent.length);
  expect(ana.texts()).toEqual(sent);
  expect(new Set(given).size).toBe(given.length);
  expect(ana.errors).toEqual([]);
});

test("a message that is refused because the token has expired is sent again with the next token", async () => {
  const { url } = await startService({ JWT_SECRET });
  const tokens = [await signed({ exp: seconds(1_000) })];
  const ana = open(url, () => tokens.shift() ?? signed());
  await ana.isOnline();
  const { client, socket } = ana;
  const first = socket.id;
  // The token expires before the timer that closes the connection fires.
  const now = performance.now.bind(performance);
  const clock = jest.spyOn(performance, "now").mockImplementation(() => now() + 1_000);
  afterThisTest(() => clock.mockRestore());
  const receipts = await Promise.all(["one", "two"].map((text) => client.send("/cooking", text)));
  expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, false]);
  expect(socket.id).not.toBe(first);
  const { messages } = await client.history("/cooking");
  expect(messages.map(({ message }) => message)).toEqual(["one", "two"]);
});

test("each page of history is read with a token of its own", async () => {
  const { url } = await startService({ JWT_SECRET });
  let calls = 0;
  const ana = open(url, () => {
    calls += 1;
    return signed({ rooms: calls === 1 ? undefined : ["/pets"] });
  });
  await ana.isOnline();
  expect((await ana.client.history("/pets")).messages).toEqual([]);
  const refused = { message: "Not allowed", status: 403 };
  await expect(ana.client.history("/cooking")).rejects.toMatchObject(refused);
  expect(calls).toBe(3);
});

test("a page of missed messages, refused because the token has expired, is read with the next token", async () => {
  const { url } = await startService({ JWT_SECRET, MESSAGES_PER_SECOND: "0" });
  const bo = await TestClient.connect(url, { auth: { token: await signed({ sub: "bo" }) } });
  const Authorization = `Bearer ${await signed({ exp: seconds(-1) })}`;
  const statuses: number[] = [];
  const fetchFirstWithExpiredToken: FetchLike = async (page, init) => {
    const isFirst = statuses.length === 0;
    const answer = await fetch(page, isFirst ? { ...init, headers: { Authorization } } : init);
    statuses.push(answer.status);
    return answer;
  };
  const ana = open(url, () => signed(), { ...NO_RECONNECTION, fetch: fetchFirstWithExpiredToken });
  await ana.isOnline();
  await sendNumbered(bo, 1, { username: "bo" });
  await ana.received(1);
  await ana.cut();
  await sendNumbered(bo, 1_100, { username: "bo" }); // more than a replay has
  ana.client.connect();
  await ana.received(1_101);
  expect(ana.messages).toHaveLength(1_101);
  expect(statuses.slice(0, 2)).toEqual([401, 200]);
  expect([ana.errors, ana.client.status.incomplete]).toEqual([[], []]);
});

test("when no token comes in time, a page of history fails", async () => {
  const { url } = await startService({ JWT_SECRET });
  const tokens = [signed()];
  const never = new Promise<string>(() => undefined);
  const ana = open(url, () => tokens.shift() ?? never, { requestTimeout: 200 });
  await ana.isOnline();
  const failure = { message: "No token came in time", status: 0 };
  await expect(ana.client.history("/cooking")).rejects.toMatchObject(failure);
});

test("when a token is refused, the client connects with another one", async () => {
  const { url } = await startService({ JWT_SECRET });
  const tokens = ["garbled", await signed({ exp: seconds(-1) })];
  const ana = open(url, () => tokens.shift() ?? signed());
  await ana.isOnline();
  expect(ana.errors.map(({ message, status }) => [message, status])).toEqual([
    ["Unauthorized", 401],
    ["Unauthorized", 401],
  ]);
  await ana.client.send("/cooking", "hello");
});

test("when `auth` rejects, the client emits the error and calls it again", async () => {
  const { url } = await startService({ JWT_SECRET });
  const outcomes = [() => Promise.reject(new Error("the issuer is down")), () => signed()];
  const ana = open(url, () => (outcomes.length > 1 ? outcomes.shift() : outcomes[0])?.() ?? "");
  await ana.isOnline();
  expect(ana.errors.map(({ message, status }) => [message, status])).toEqual([["the issuer is down", 0]]);
});

test("without `auth` a client whose token is refused stays offline until `connect`", async () => {
  const { url } = await startService({ JWT_SECRET });
  const own = { token: "garbled" };
  const ana = RecordedChatClient.open(url, { retryDelay: 1, socketOptions: { auth: own } });
  await until("the token is refused", () => ana.errors.length === 1);
  expect(ana.client.status.state).toBe("offline");
  own.token = await signed();
  ana.client.connect();
  await ana.isOnline();
  expect(ana.errors).toHaveLength(1);
});

test("a token that comes after its connection is lost is not sent on the next one", async () => {
  const { url } = await startService({ JWT_SECRET });
  const waiting: ((token: string) => void)[] = [];
  const ana = open(url, () => new Promise<string>((resolve) => waiting.push(resolve)));
  await until("the first token is requested", () => waiting.length === 1);
  ana.socket.io.engine.close();
  await until("the second token is requested", () => waiting.length === 2);
  waiting[0]?.("garbled");
  waiting[1]?.(await signed());
  await ana.isOnline();
  await ana.client.send("/cooking", "hello");
  expect(ana.errors).toEqual([]);
});
