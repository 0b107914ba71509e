import { io, type Socket } from "socket.io-client";
import {
  ChatClient,
  type ChatClientError,
  type ChatClientOptions,
  type ChatStatus,
  type HistoricalMessage,
  type PresenceInformation,
  type TypingInformation,
} from "../../src/client/chatClient";
import { historyPage, sendAcked, sendNumbered } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { startService, type RunningService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

/** A ChatClient with everything it told, and the socket under it. */
class Recorder {
  readonly client: ChatClient;
  socket!: Socket;
  readonly messages: HistoricalMessage[] = [];
  readonly presence: PresenceInformation[] = [];
  readonly typing: TypingInformation[] = [];
  readonly errors: ChatClientError[] = [];
  readonly statuses: ChatStatus[] = [];

  constructor(url: string, options: ChatClientOptions = {}) {
    this.client = new ChatClient(url, {
      username: "ana",
      retryDelay: 20,
      connector: (...args) => (this.socket = io(...args)),
      ...options,
      socketOptions: { transports: ["websocket"], reconnectionDelay: 20, ...options.socketOptions },
    });
    this.client.on("message", (message) => this.messages.push(message));
    this.client.on("presence", (presence) => this.presence.push(presence));
    this.client.on("typing", (typing) => this.typing.push(typing));
    this.client.on("error", (error) => this.errors.push(error));
    this.client.on("status", (status) => this.statuses.push(status));
    afterThisTest(() => this.client.close());
  }

  static async online(url: string, options: ChatClientOptions = {}): Promise<Recorder> {
    const recorder = new Recorder(url, options);
    recorder.client.connect();
    await recorder.isOnline();
    return recorder;
  }

  isOnline(): Promise<void> {
    return until("the client is online", () => this.client.status.state === "online");
  }

  heard(count: number): Promise<void> {
    return until(`${String(count)} messages are heard`, () => this.messages.length >= count);
  }

  texts(): string[] {
    return this.messages.map(({ message }) => message);
  }

  /** Loses the connection; it comes back only by `connect()` where `NO_RETURN` was given. */
  cut(): Promise<void> {
    this.socket.io.engine.close();
    return until("the client is offline", () => this.client.status.state === "offline");
  }
}

const NO_RETURN: ChatClientOptions = { socketOptions: { reconnection: false } };
const NO_LIMIT = { MESSAGES_PER_SECOND: "0" };
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

async function historyTexts(url: string, room = "/cooking"): Promise<string[]> {
  const { messages } = await historyPage(url, room, "?limit=200");
  return messages.map(({ message }) => message);
}

/** Stops the service and starts another one in its place. */
async function restart({ app, port }: RunningService, dataDir: string): Promise<RunningService> {
  await app.stop();
  return startService({ ...NO_LIMIT, PORT: String(port), DATA_DIR: dataDir });
}

describe("sending", () => {
  test("a message is acked, and heard by all with its offset", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url);
    const bo = await Recorder.online(url, { username: "bo" });
    const receipt = await ana.client.send("/cooking", "hello");
    expect(receipt).toMatchObject({ duplicate: false, offset: expect.any(String) as string });
    for (const { heard, messages } of [ana, bo].map((one) => ({
      heard: one.heard(1),
      messages: one.messages,
    }))) {
      await heard;
      const { uuid, serverTimestamp, offset } = receipt;
      const chatRoom = { label: "Cooking", name: "/cooking" };
      expect(messages).toEqual([
        { message: "hello", username: "ana", chatRoom, uuid, serverTimestamp, offset },
      ]);
    }
  });

  test("over long polling as well", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url, { socketOptions: { transports: ["polling"] } });
    await Promise.all(numbers(5).map((text) => ana.client.send("/cooking", text)));
    await ana.heard(5);
    expect(ana.texts()).toEqual(numbers(5));
  });

  test("what is sent offline waits for the connection", async () => {
    const dataDir = temporaryDirectory();
    const service = await startService({ DATA_DIR: dataDir });
    await service.app.stop();
    const ana = new Recorder(service.url);
    ana.client.connect();
    const sent = Promise.all(numbers(3).map((text) => ana.client.send("/cooking", text)));
    await until("an attempt has failed", () => ana.errors.length > 0);
    expect(ana.errors[0]).toMatchObject({ status: 0 });
    await restart(service, dataDir);
    await sent;
    expect(await historyTexts(service.url)).toEqual(numbers(3));
  });

  test("a message whose ack is lost is sent again and stored once", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url, { requestTimeout: 50 });
    const socket = ana.socket as unknown as {
      onack: (packet: unknown) => void;
      onevent: (packet: unknown) => void;
    };
    const { onack, onevent } = socket;
    let lost = 0;
    socket.onevent = () => undefined; // nor is the message heard
    socket.onack = (packet) => {
      lost += 1;
      if (lost > 1) onack.call(socket, packet);
    };
    expect(await ana.client.send("/cooking", "once")).toMatchObject({ duplicate: true });
    socket.onevent = onevent;
    expect(lost).toBe(2);
    expect(await historyTexts(url)).toEqual(["once"]);
  });

  test("a message that an earlier client had sent under the same uuid is stored once", async () => {
    const { url } = await startService();
    const uuid = "kept across a reload";
    const before = await Recorder.online(url);
    const { offset } = await before.client.send("/cooking", "hello", { uuid });
    before.client.close();
    const after = await Recorder.online(url);
    expect(await after.client.send("/cooking", "hello", { uuid })).toMatchObject({ offset, duplicate: true });
    await after.client.send("/cooking", "marker");
    await after.heard(1);
    expect(after.texts()).toEqual(["marker"]);
    await expect(after.client.send("/cooking", "other", { uuid })).rejects.toMatchObject({ status: 409 });
  });

  test("a message whose ack is lost but which is heard counts as sent", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url, { requestTimeout: 50 });
    let lost = 0;
    Object.assign(ana.socket, { onack: () => (lost += 1) });
    const receipt = await ana.client.send("/cooking", "once");
    expect(receipt).toEqual({
      uuid: ana.messages[0]?.uuid,
      serverTimestamp: ana.messages[0]?.serverTimestamp,
      offset: ana.messages[0]?.offset,
      duplicate: true,
    });
    expect(lost).toBe(1);
  });

  test("after kill -9 in mid-sending every message is stored once, in each room's order", async () => {
    const env = { ...NO_LIMIT, DATA_DIR: temporaryDirectory() };
    const service = await ServiceProcess.start(env);
    const { url, port } = service;
    const ana = await Recorder.online(url);
    const rooms = ["/cooking", "/pets", "/travel"];
    const sent = rooms.flatMap((room) => numbers(150).map((text) => ana.client.send(room, text)));
    await ana.heard(60);
    service.child.kill("SIGKILL");
    await service.exited;
    await ServiceProcess.start({ ...env, PORT: String(port) });
    await Promise.all(sent);
    await ana.heard(sent.length);
    for (const room of rooms) {
      expect(await historyTexts(url, room)).toEqual(numbers(150));
      const heard = ana.messages.filter(({ chatRoom }) => chatRoom.name === room);
      expect(heard.map(({ message }) => message)).toEqual(numbers(150));
    }
  });

  test("messages that are too many are sent again, in order", async () => {
    const { url } = await startService({ MESSAGES_PER_SECOND: "20", MESSAGES_BURST: "20" });
    const ana = await Recorder.online(url);
    await Promise.all(numbers(45).map((text) => ana.client.send("/cooking", text)));
    expect(await historyTexts(url)).toEqual(numbers(45));
  });

  test("a refused message rejects with its refusal and leaves the others' order alone", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url);
    const [first, empty, second, nowhere] = await Promise.allSettled([
      ana.client.send("/cooking", "first"),
      ana.client.send("/cooking", ""),
      ana.client.send("/cooking", "second"),
      ana.client.send("/nowhere", "hello?"),
    ]);
    expect([first?.status, second?.status]).toEqual(["fulfilled", "fulfilled"]);
    const errors = [expect.any(String)];
    expect(empty).toMatchObject({ reason: { name: "ChatClientError", status: 404, errors } });
    expect(nowhere).toMatchObject({ reason: { message: "Chat room does not exist", status: 404 } });
    expect(await historyTexts(url)).toEqual(["first", "second"]);
  });

  test("without a username nothing is sent", async () => {
    const { url } = await startService();
    const nobody = new ChatClient(url);
    await expect(nobody.send("/cooking", "hello")).rejects.toThrow("Username is not set");
  });
});

describe("coming back", () => {
  test("what was missed is heard once, in order, and counted", async () => {
    const { url } = await startService();
    const other = await TestClient.connect(url);
    const ana = await Recorder.online(url, NO_RETURN);
    await sendAcked(other, { message: "before" });
    await ana.heard(1);
    await ana.cut();
    await sendNumbered(other, 3);
    ana.client.connect();
    await ana.isOnline();
    await sendAcked(other, { message: "after" });
    await ana.heard(5);
    expect(ana.texts()).toEqual(["before", ...numbers(3), "after"]);
    expect(ana.client.status).toEqual({ state: "online", recovered: 3, recovering: [], incomplete: [] });
    const states = ana.statuses.map(({ state }) => state);
    expect(states).toEqual(["connecting", "online", "offline", "connecting", "online"]);
  });

  test("it comes back by itself, also when the server has disconnected it", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url);
    for (const lose of [
      () => ana.socket.io.engine.close(),
      () => (ana.socket as unknown as { ondisconnect: () => void }).ondisconnect(),
    ]) {
      lose();
      expect(ana.client.status.state).toBe("offline");
      await ana.isOnline();
    }
    await ana.client.send("/cooking", "back");
  });

  test("presence is announced again, with the name of the day", async () => {
    const { url } = await startService();
    const witness = await Recorder.online(url, { username: "witness" });
    const ana = await Recorder.online(url);
    ana.client.announcePresence({ avatar: "image link", room: "/pets" });
    await until("ana has come", () => witness.presence.at(-1)?.usersPerRoom["/pets"]?.length === 1);
    ana.client.username = "anna";
    await ana.cut();
    await until("ana has gone", () => witness.presence.at(-1)?.usersPerRoom["/pets"]?.length === 0);
    await until("ana is back", () => witness.presence.at(-1)?.usersPerRoom["/pets"]?.length === 1);
    expect(witness.presence.at(-1)?.usersPerRoom["/pets"]).toEqual([
      { username: "anna", avatar: "image link" },
    ]);
  });

  test("what the server cannot replay is read from history, before what is said meanwhile", async () => {
    const { url } = await startService(NO_LIMIT);
    const other = await TestClient.connect(url);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const fetchBehindGate = (target: string, init: { signal: AbortSignal }) =>
      gate.then(() => fetch(target, init));
    const ana = await Recorder.online(url, { ...NO_RETURN, fetch: fetchBehindGate });
    await sendAcked(other, { message: "before" });
    await ana.heard(1);
    await ana.cut();
    await sendNumbered(other, 1_100);
    ana.client.connect();
    await ana.isOnline();
    expect(ana.client.status).toMatchObject({ recovered: 0, recovering: ["/cooking"] });
    const mine = ana.client.send("/cooking", "mine"); // waits for the history
    const elsewhere = await ana.client.send("/pets", "elsewhere");
    await sendAcked(other, { message: "meanwhile" });
    await until("others are heard", () => ana.messages.some(({ uuid }) => uuid === elsewhere.uuid));
    expect(ana.texts()).toEqual(["before", "elsewhere"]);
    open();
    await mine;
    await ana.heard(1_104);
    expect(ana.texts()).toEqual(["before", "elsewhere", ...numbers(1_100), "meanwhile", "mine"]);
    expect(ana.client.status).toMatchObject({ recovering: [], incomplete: [] });
  });

  test("with the server's log lost, the new one is heard from its beginning, as incomplete", async () => {
    const service = await startService(NO_LIMIT);
    const { url } = service;
    const ana = await Recorder.online(url, NO_RETURN);
    await ana.client.send("/cooking", "lost");
    await ana.heard(1);
    await ana.cut();
    await restart(service, temporaryDirectory());
    await sendNumbered(await TestClient.connect(url), 3);
    ana.client.connect();
    await ana.heard(4);
    await until("all is recovered", () => ana.client.status.recovering.length === 0);
    expect(ana.texts()).toEqual(["lost", ...numbers(3)]);
    expect(ana.client.status.incomplete).toContain("/cooking");
    await ana.cut();
    ana.client.connect();
    await ana.isOnline();
    expect(ana.client.status).toEqual({ state: "online", recovered: 0, recovering: [], incomplete: [] });
    expect(ana.texts()).toHaveLength(4);
  });

  test("where history cannot be read either, the room goes on, incomplete", async () => {
    const service = await startService(NO_LIMIT);
    const fetchNothing = () => Promise.reject(new Error("no network"));
    const ana = await Recorder.online(service.url, { ...NO_RETURN, fetch: fetchNothing });
    await ana.cut();
    await restart(service, temporaryDirectory());
    ana.client.connect();
    await until("it gives up", () => ana.client.status.incomplete.length === 4);
    expect(ana.errors[0]).toMatchObject({ status: 0, message: "no network" });
    await ana.client.send("/cooking", "hello");
    await ana.heard(1);
  });
});

test("who is typing is told to the others", async () => {
  const { url } = await startService();
  const ana = await Recorder.online(url);
  const bo = await Recorder.online(url, { username: "bo" });
  ana.client.setTyping("/cooking", true);
  ana.client.setTyping("/cooking", false);
  await until("bo was told", () => bo.typing.length === 2);
  const chatRoom = { label: "Cooking", name: "/cooking" };
  expect(bo.typing).toEqual([
    { username: "ana", chatRoom, isTyping: true },
    { username: "ana", chatRoom, isTyping: false },
  ]);
  expect(ana.typing).toEqual([]);
});

describe("errors", () => {
  test("refusals that no promise tells of are events", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url);
    ana.client.setTyping("/nowhere", true);
    ana.client.announcePresence({ avatar: "", room: "/nowhere" });
    await until("both came", () => ana.errors.length === 2);
    for (const error of ana.errors)
      expect(error).toMatchObject({ message: "Chat room does not exist", status: 404, errors: [] });
  });

  test("a refused handshake is one, and the client stays offline until it is told to connect", async () => {
    const { url } = await startService();
    const auth: Record<string, unknown> = { unknown: true };
    const ana = new Recorder(url, { socketOptions: { auth } });
    ana.client.connect();
    await until("it was refused", () => ana.errors.length === 1);
    expect(ana.errors[0]).toMatchObject({ message: "Handshake is not valid", status: 400 });
    expect(ana.client.status.state).toBe("offline");
    delete auth.unknown;
    ana.client.connect();
    await ana.isOnline();
  });

  test("a listener that throws disturbs nobody, one that was taken off hears nothing", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url);
    const silent = jest.fn();
    ana.client.on("message", silent).off("message", silent);
    const thrown: (() => void)[] = [];
    const later = jest.spyOn(globalThis, "queueMicrotask").mockImplementation((task) => thrown.push(task));
    afterThisTest(() => later.mockRestore());
    const client = new ChatClient(url);
    let isClosed = false;
    client.on("status", () => {
      throw new Error("a listener's mistake");
    });
    client.on("status", ({ state }) => (isClosed = state === "closed"));
    client.close();
    expect(isClosed).toBe(true);
    expect(thrown[0]).toThrow("a listener's mistake");
    await ana.client.send("/cooking", "hello");
    await ana.heard(1);
    expect(silent).not.toHaveBeenCalled();
  });
});

describe("history", () => {
  test("comes in pages", async () => {
    const { url } = await startService();
    const ana = await Recorder.online(url);
    for (const text of numbers(3)) await ana.client.send("/cooking", text);
    const newest = await ana.client.history("/cooking", { limit: 2 });
    expect(newest.messages.map(({ message }) => message)).toEqual(["1", "2"]);
    const oldest = await ana.client.history("/cooking", { before: newest.before ?? "" });
    expect(oldest).toMatchObject({ messages: [{ message: "0" }], before: null });
  });

  test("rejects with the refusal, or with status 0 without an answer", async () => {
    const { url, app } = await startService();
    const client = new ChatClient(url);
    await expect(client.history("/nowhere")).rejects.toMatchObject({ name: "ChatClientError", status: 404 });
    await expect(client.history("/cooking", { limit: 0 })).rejects.toMatchObject({ status: 400 });
    await app.stop();
    await expect(client.history("/cooking")).rejects.toMatchObject({ status: 0 });
  });
});

test("a closed client rejects what is unanswered, tells so and stays closed", async () => {
  const { url } = await startService();
  const ana = new Recorder(url);
  const sent = ana.client.send("/cooking", "never");
  ana.client.connect();
  ana.client.close();
  await expect(sent).rejects.toMatchObject({ message: "Client is closed", status: 0 });
  await expect(ana.client.send("/cooking", "never")).rejects.toThrow("Client is closed");
  expect(() => ana.client.connect()).toThrow("Client is closed");
  expect(ana.statuses.at(-1)?.state).toBe("closed");
  expect(await historyTexts(url)).toEqual([]);
});
