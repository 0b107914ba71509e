import type { Socket } from "socket.io-client";
import { io } from "socket.io-client";
import { ChatClient, type ChatClientError, type ChatClientOptions } from "../../src/client/chatClient";
import { afterThisTest } from "../support/disposal";
import { startService } from "../support/service";
import { JWT_SECRET, seconds, signed } from "../support/tokens";
import { until } from "../support/until";

let socket: Socket; // under the client opened last

function open(
  url: string,
  auth: () => string | Promise<string>,
  options: ChatClientOptions = {},
): ChatClient {
  const client = new ChatClient(url, {
    username: "ana",
    auth,
    retryDelay: 20,
    connector: (...args) => (socket = io(...args)),
    socketOptions: { transports: ["websocket"], reconnectionDelay: 20 },
    ...options,
  });
  client.connect();
  afterThisTest(() => client.close());
  return client;
}

function isOnline(client: ChatClient): Promise<void> {
  return until("the client is online", () => client.status.state === "online");
}

function errorsOf(client: ChatClient): ChatClientError[] {
  const errors: ChatClientError[] = [];
  client.on("error", (error) => errors.push(error));
  return errors;
}

test("a token is asked for with each connection, and after its expiry nothing is lost or doubled", async () => {
  const { url } = await startService({ JWT_SECRET, MESSAGES_PER_SECOND: "0" });
  const bo = open(url, () => signed({ sub: "bo" }), { username: "bo" });
  const given: string[] = [];
  const ana = open(url, async () => {
    given.push(await signed({ exp: seconds(1_000) }));
    return given.at(-1) ?? "";
  });
  const errors = errorsOf(ana);
  const heard: string[] = [];
  ana.on("message", ({ message }) => heard.push(message));
  await isOnline(ana);
  const sent: string[] = [];
  while (given.length < 4) {
    sent.push(String(sent.length));
    await (sent.length % 2 ? ana : bo).send("/cooking", sent.at(-1) ?? "");
  }
  await until("all is heard", () => heard.length >= sent.length);
  expect(heard).toEqual(sent);
  expect(new Set(given).size).toBe(given.length);
  expect(errors).toEqual([]);
});

test("what the server refuses because the token has just run out is sent again with the next one", async () => {
  const { url } = await startService({ JWT_SECRET });
  const tokens = [await signed({ exp: seconds(1_000) })];
  const ana = open(url, () => tokens.shift() ?? signed());
  await isOnline(ana);
  const first = socket.id;
  // The clock strikes before the timer that closes the connection does.
  const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 1_000);
  afterThisTest(() => clock.mockRestore());
  const receipts = Promise.all(["one", "two"].map((text) => ana.send("/cooking", text)));
  expect((await receipts).map(({ duplicate }) => duplicate)).toEqual([false, false]);
  expect(socket.id).not.toBe(first);
  expect((await ana.history("/cooking")).messages.map(({ message }) => message)).toEqual(["one", "two"]);
});

test("history is read with a token, asked for each time", async () => {
  const { url } = await startService({ JWT_SECRET });
  let asked = 0;
  const ana = open(url, () => {
    asked += 1;
    return signed({ rooms: asked === 1 ? undefined : ["/pets"] });
  });
  await isOnline(ana);
  expect((await ana.history("/pets")).messages).toEqual([]);
  await expect(ana.history("/cooking")).rejects.toMatchObject({ message: "Not allowed", status: 403 });
  expect(asked).toBe(3);
});

test("a page of what was missed, refused because the token has run out, is read with the next one", async () => {
  const { url } = await startService({ JWT_SECRET, MESSAGES_PER_SECOND: "0" });
  const bo = open(url, () => signed({ sub: "bo" }), { username: "bo" });
  await isOnline(bo);
  let release = (): void => undefined;
  const isFarBehind = new Promise<void>((resolve) => (release = resolve));
  const tokens = [
    () => signed(),
    () => isFarBehind.then(() => signed()),
    () => signed({ exp: seconds(-1) }), // for the first page
  ];
  const ana = open(url, () => (tokens.shift() ?? signed)());
  const errors = errorsOf(ana);
  let heard = 0;
  ana.on("message", () => (heard += 1));
  await isOnline(ana);
  await bo.send("/cooking", "hello");
  await until("ana has heard it", () => heard === 1);
  socket.io.engine.close();
  const more = Array.from({ length: 1_100 }, () => bo.send("/cooking", "more than a replay has"));
  await Promise.all(more);
  release();
  await until("all is heard", () => heard === 1_101);
  expect([errors, ana.status.incomplete, tokens]).toEqual([[], [], []]);
});

test("a token that does not come fails a page of history in time", async () => {
  const { url } = await startService({ JWT_SECRET });
  const tokens = [signed()];
  const never = new Promise<string>(() => undefined);
  const ana = open(url, () => tokens.shift() ?? never, { requestTimeout: 200 });
  await isOnline(ana);
  await expect(ana.history("/cooking")).rejects.toMatchObject({
    message: "No token came in time",
    status: 0,
  });
});

test("when a token is refused, another one is asked for", async () => {
  const { url } = await startService({ JWT_SECRET });
  const tokens = ["garbled", await signed({ exp: seconds(-1) })];
  const ana = open(url, () => tokens.shift() ?? signed());
  const errors = errorsOf(ana);
  await isOnline(ana);
  expect(errors.map(({ message, status }) => [message, status])).toEqual([
    ["Unauthorized", 401],
    ["Unauthorized", 401],
  ]);
  await ana.send("/cooking", "hello");
});

test("when no token can be had, it says so and asks again", async () => {
  const { url } = await startService({ JWT_SECRET });
  const outcomes = [() => Promise.reject(new Error("the issuer is down")), () => signed()];
  const ana = open(url, () => (outcomes.length > 1 ? outcomes.shift() : outcomes[0])?.() ?? "");
  const errors = errorsOf(ana);
  await isOnline(ana);
  expect(errors.map(({ message, status }) => [message, status])).toEqual([["the issuer is down", 0]]);
});

test("without a way to another token it stays offline until it is told to connect", async () => {
  const { url } = await startService({ JWT_SECRET });
  const own = { token: "garbled" };
  const socketOptions = { transports: ["websocket"], auth: own };
  const ana = new ChatClient(url, { username: "ana", retryDelay: 1, socketOptions });
  afterThisTest(() => ana.close());
  const errors = errorsOf(ana);
  ana.connect();
  await until("it was refused", () => errors.length === 1);
  expect(ana.status.state).toBe("offline");
  own.token = await signed();
  ana.connect();
  await isOnline(ana);
  expect(errors).toHaveLength(1);
});

test("a token that comes when its connection is gone is not sent on the next one", async () => {
  const { url } = await startService({ JWT_SECRET });
  const waiting: ((token: string) => void)[] = [];
  const ana = open(url, () => new Promise<string>((resolve) => waiting.push(resolve)));
  const errors = errorsOf(ana);
  await until("the first token is asked for", () => waiting.length === 1);
  socket.io.engine.close();
  await until("the second one is", () => waiting.length === 2);
  const token = await signed();
  for (const resolve of waiting) resolve(token);
  await isOnline(ana);
  await ana.send("/cooking", "hello");
  expect(errors).toEqual([]);
});
