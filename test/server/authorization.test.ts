import { EVENTS } from "../../src/protocol/events";
import { newMessage, resumedRooms, sendAcked, sendNumbered, texts } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { EMPTY_ROOMS, PresenceWatcher } from "../support/presenceWatcher";
import { startService, type RunningService } from "../support/service";
import { TestClient, type TestClientOptions } from "../support/testClient";
import { JWT_SECRET, seconds, signed } from "../support/tokens";
import { PETS, COOKING } from "../support/rooms";

const NOT_ALLOWED = { data: null, error: { message: "Not allowed", status: 403, errors: [] } };
const ONLY_PETS = { rooms: ["/pets", "/no such room"] };
const ID = expect.any(String) as string;

function start(env: Record<string, string> = {}): Promise<RunningService> {
  return startService({ JWT_SECRET, ...env });
}

interface Client extends Omit<TestClientOptions, "auth"> {
  sub?: string;
  rooms?: string[];
  exp?: number;
  auth?: Record<string, unknown>;
}

async function connect(
  url: string,
  { sub = "ana", rooms, exp, auth, ...options }: Client = {},
): Promise<TestClient> {
  const token = await signed({ sub, ...(rooms && { rooms }), ...(exp !== undefined && { exp }) });
  return TestClient.connect(url, { ...options, auth: { token, ...auth } });
}

const typing = { username: "ana", chatRoom: COOKING, isTyping: true };
const presence = { username: "ana", avatar: "", currentRoom: COOKING };

describe("a username that is not the token's", () => {
  test.each([
    [EVENTS.newMessage, newMessage()],
    [EVENTS.newPresenceInformation, presence],
    [EVENTS.newTypingInformation, typing],
  ])("is refused in %s, and no other client receives it", async (event, payload) => {
    const { url } = await start();
    const other = await connect(url, { sub: "bo", auth: { typing: true } });
    const ana = await connect(url);
    for (const username of ["bo", "Ana", "ana ", "a\u0301na"]) {
      expect(await ana.ask(event, { ...payload, username })).toEqual([NOT_ALLOWED]);
      ana.socket.emit(event as string, { ...payload, username });
      expect(await ana.waitFor("server_error")).toEqual([NOT_ALLOWED]);
    }
    await sendAcked(ana, { message: "marker" });
    expect(texts(await other.waitForArguments("/cooking"))).toEqual(["marker"]);
    expect(other.queuedEvents()).toEqual([]);
    expect(await historyTexts(url)).toEqual(["marker"]);
  });

  test("is refused to a client of generation 2 as well", async () => {
    const { url } = await start();
    const extraHeaders = { Authorization: `Bearer ${await signed()}` };
    const ana = await TestClient.connect(url, { generation: "2.x", extraHeaders });
    ana.sendMessage({ username: "bo" });
    expect(await ana.waitFor("server_error")).toEqual([NOT_ALLOWED]);
  });
});

describe("a token for some rooms", () => {
  test.each([
    [EVENTS.newMessage, newMessage()],
    [EVENTS.newPresenceInformation, presence],
    [EVENTS.newTypingInformation, typing],
  ])("permits %s in no other room", async (event, payload) => {
    const { url } = await start();
    const other = await connect(url, { sub: "bo", auth: { typing: true } });
    const ana = await connect(url, ONLY_PETS);
    expect(await ana.ask(event, payload)).toEqual([NOT_ALLOWED]);
    await sendAcked(ana, { message: "marker", chatRoom: PETS });
    expect(texts(await other.waitForArguments("/pets"))).toEqual(["marker"]);
    expect(other.queuedEvents()).toEqual([]);
  });

  test("a room that does not exist is unknown rather than forbidden", async () => {
    const { url } = await start();
    const ana = await connect(url, ONLY_PETS);
    const [answer] = await ana.ask(
      EVENTS.newMessage,
      newMessage({ chatRoom: { label: "x", name: "/no such room" } }),
    );
    expect(answer).toMatchObject({ error: { message: "Chat room does not exist", status: 404 } });
  });

  test.each<[string, Client]>([
    ["a base client", {}],
    ["a base client on polling", { transports: ["polling"] }],
    ["a client with offsets", { auth: { resume: {}, typing: true } }],
  ])("%s receives messages and typing of its rooms alone", async (_name, options) => {
    const { url } = await start();
    const ana = await connect(url, { ...options, ...ONLY_PETS });
    if (options.auth !== undefined) expect(Object.keys(await resumedRooms(ana))).toEqual(["/pets"]);
    const bo = await connect(url, { sub: "bo" });
    for (const chatRoom of [COOKING, PETS]) {
      await bo.ask(EVENTS.newTypingInformation, { username: "bo", chatRoom, isTyping: true });
      await sendAcked(bo, { username: "bo", chatRoom, message: chatRoom.name });
    }
    expect(texts(await ana.waitForArguments("/pets"))).toEqual(["/pets"]);
    if (options.auth !== undefined)
      expect(await ana.waitFor("typing_information")).toMatchObject([{ data: { chatRoom: PETS } }]);
    expect(ana.queuedEvents()).toEqual([]);
  });

  test("replays its rooms alone", async () => {
    const { url } = await start({ REPLAY_ON_CONNECT: "10" });
    const bo = await connect(url, { sub: "bo" });
    const [cooking] = await sendNumbered(bo, 2, { username: "bo", chatRoom: COOKING });
    const [pets] = await sendNumbered(bo, 3, { username: "bo", chatRoom: PETS });
    const resume = { "/cooking": cooking, "/pets": pets };
    const resuming = await connect(url, { ...ONLY_PETS, auth: { resume } });
    expect(await resumedRooms(resuming)).toMatchObject({ "/pets": { recovered: true, replayed: 2 } });
    expect(texts(await resuming.waitForArguments("/pets", 2))).toEqual(["1", "2"]);
    const base = await connect(url, ONLY_PETS);
    expect(texts(await base.waitForArguments("/pets", 3))).toEqual(["0", "1", "2"]);
    await sendAcked(bo, { username: "bo", chatRoom: PETS });
    for (const client of [resuming, base]) {
      await client.waitFor("/pets");
      expect(client.queuedEvents()).toEqual([]);
    }
  });

  test("reads the history of its rooms alone", async () => {
    const { url } = await start();
    const headers = { Authorization: `Bearer ${await signed(ONLY_PETS)}` };
    const read = async (room: string) => (await fetch(`${url}/rooms/${room}/messages`, { headers })).json();
    expect(await read("pets")).toMatchObject({ data: { messages: [] } });
    expect(await read("cooking")).toEqual(NOT_ALLOWED);
    expect(await read("nowhere")).toMatchObject({ error: { status: 404 } });
  });

  test("shows who is in its rooms alone, in snapshots, in acks and by difference", async () => {
    const { url } = await start();
    const bo = await connect(url, { sub: "bo" });
    bo.announcePresence({ username: "bo", avatar: "" });
    await bo.waitFor("presence_information");
    const token = await signed(ONLY_PETS);
    const watcher = await PresenceWatcher.connect(url, { token });
    expect(await watcher.known()).toEqual(EMPTY_ROOMS);
    const base = await connect(url, ONLY_PETS);
    const seen = {
      data: { usersPerRoom: { ...EMPTY_ROOMS, "/pets": [{ username: "ana", avatar: "" }] } },
      error: null,
    };
    const [answer] = await base.ask(EVENTS.newPresenceInformation, { ...presence, currentRoom: PETS });
    expect(answer).toEqual(seen);
    expect(await base.waitFor("presence_information")).toEqual([seen]);
    expect(await watcher.diff()).toMatchObject({ joined: { "/pets": [{ username: "ana" }] }, left: {} });
    // Coming from a room that is not shown is a join, going there is a leave, and what happens there is nothing.
    bo.announcePresence({ username: "bo", currentRoom: PETS });
    const joined = { "/pets": [{ id: ID, username: "bo", avatar: "image link" }] };
    expect(await watcher.diff()).toEqual({ joined, left: {} });
    bo.announcePresence({ username: "bo", currentRoom: COOKING });
    expect(await watcher.diff()).toEqual({ joined: {}, left: { "/pets": [ID] } });
    bo.announcePresence({ username: "bo", currentRoom: { label: "Money", name: "/money" } });
    base.disconnect();
    expect(await watcher.diff()).toEqual({ joined: {}, left: { "/pets": [ID] } });
  });

  test("for no room at all receives nothing and may send nothing", async () => {
    const { url } = await start();
    const ana = await connect(url, { rooms: [] });
    expect(await ana.ask(EVENTS.newMessage, newMessage())).toEqual([NOT_ALLOWED]);
    const bo = await connect(url, { sub: "bo" });
    await sendAcked(bo, { username: "bo" });
    await ana.ask(EVENTS.newTypingInformation, typing);
    expect(ana.queuedEvents()).toEqual([]);
  });
});

describe("when the token expires", () => {
  test.each<[string, Client]>([
    ["websocket", {}],
    ["polling", { transports: ["polling"] }],
  ])("the connection is closed over %s, so that the client reconnects", async (_name, options) => {
    const { url } = await start();
    const ana = await connect(url, { ...options, exp: seconds(700) });
    expect(await ana.disconnected()).toBe("transport close");
    const again = await connect(url, options);
    await sendAcked(again);
  });

  test.each([
    ["forward", 10_000], // the client takes a longer one for a ping timeout
    ["back", -3_600_000],
  ])("a step of the wall clock %s does not move the expiry", async (_direction, stepMs) => {
    const { url } = await start();
    const ana = await connect(url, { exp: seconds(9_000) });
    const bo = await connect(url, { exp: seconds(700) });
    const { now } = Date;
    const clock = jest.spyOn(Date, "now").mockImplementation(() => now() + stepMs);
    afterThisTest(() => clock.mockRestore());
    await sendAcked(ana);
    expect(await bo.disconnected()).toBe("transport close");
    await sendAcked(ana);
  });

  test("its client is gone from presence", async () => {
    const { url } = await start();
    const bo = await PresenceWatcher.connect(url, { token: await signed({ sub: "bo" }) });
    const ana = await connect(url, { exp: seconds(700) });
    ana.announcePresence();
    await bo.diff();
    expect(await bo.diff()).toEqual({ joined: {}, left: { "/cooking": [ID] } });
  });

  test("in a hundred years, the connection stays open now", async () => {
    const { url, logs } = await start();
    const ana = await connect(url, { exp: Math.round(seconds(100 * 365 * 86_400_000)) });
    await sendAcked(ana);
    const token = await signed({ sub: "bo", exp: seconds(700) });
    await (await TestClient.connect(url, { auth: { token } })).disconnected(); // a timer that is due has fired
    expect(ana.socket.connected).toBe(true);
    expect(logs.filter(({ msg }) => msg === "token expired")).toHaveLength(1);
  });
});

async function historyTexts(url: string): Promise<string[]> {
  const headers = { Authorization: `Bearer ${await signed()}` };
  const answer = await fetch(`${url}/rooms/cooking/messages`, { headers });
  const { data } = (await answer.json()) as { data: { messages: { message: string }[] } };
  return data.messages.map(({ message }) => message);
}
