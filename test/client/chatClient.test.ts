import { ChatClient } from "../../src/client/chatClient";
import { historyPage, sendAcked, sendNumbered } from "../support/chat";
import { afterThisTest } from "../support/disposal";
import { NO_RECONNECTION, RecordedChatClient } from "../support/recordedChatClient";
import { startService, type RunningService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";
import { numbers } from "../support/numbers";

const NO_LIMIT = { MESSAGES_PER_SECOND: "0" };

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
  test("a message is acked, and all clients receive it with its offset", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url);
    const bo = await RecordedChatClient.online(url, { username: "bo" });
    const receipt = await ana.client.send("/cooking", "hello");
    expect(receipt).toMatchObject({ duplicate: false, offset: expect.any(String) as string });
    const { uuid, serverTimestamp, offset } = receipt;
    const chatRoom = { label: "Cooking", name: "/cooking" };
    for (const recorded of [ana, bo]) {
      await recorded.received(1);
      expect(recorded.messages).toEqual([
        { message: "hello", username: "ana", chatRoom, uuid, serverTimestamp, offset },
      ]);
    }
  });

  test("messages are sent and received over long polling as well", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url, { socketOptions: { transports: ["polling"] } });
    await Promise.all(numbers(5).map((text) => ana.client.send("/cooking", text)));
    await ana.received(5);
    expect(ana.texts()).toEqual(numbers(5));
  });

  test("a message sent while offline waits for the connection", async () => {
    const dataDir = temporaryDirectory();
    const service = await startService({ DATA_DIR: dataDir });
    await service.app.stop();
    const ana = new RecordedChatClient(service.url);
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
    const ana = await RecordedChatClient.online(url, { requestTimeout: 50 });
    const socket = ana.socket as unknown as {
      onack: (packet: unknown) => void;
      onevent: (packet: unknown) => void;
    };
    const { onack, onevent } = socket;
    let lost = 0;
    socket.onevent = () => undefined; // the message itself is lost, too
    socket.onack = (packet) => {
      lost += 1;
      if (lost > 1) onack.call(socket, packet);
    };
    expect(await ana.client.send("/cooking", "once")).toMatchObject({ duplicate: true });
    socket.onevent = onevent;
    expect(lost).toBe(2);
    expect(await historyTexts(url)).toEqual(["once"]);
  });

  test("a message that an earlier client sent under the same uuid is stored once", async () => {
    const { url } = await startService();
    const uuid = "kept across a reload";
    const before = await RecordedChatClient.online(url);
    const { offset } = await before.client.send("/cooking", "hello", { uuid });
    before.client.close();
    const after = await RecordedChatClient.online(url);
    expect(await after.client.send("/cooking", "hello", { uuid })).toMatchObject({ offset, duplicate: true });
    await after.client.send("/cooking", "marker");
    await after.received(1);
    expect(after.texts()).toEqual(["marker"]);
    await expect(after.client.send("/cooking", "other", { uuid })).rejects.toMatchObject({ status: 409 });
  });

  test("a message whose ack is lost counts as sent when the message itself is received", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url, { requestTimeout: 50 });
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

  test("after kill -9 while sending, every message is stored once, in each room's order", async () => {
    const env = { ...NO_LIMIT, DATA_DIR: temporaryDirectory() };
    const service = await ServiceProcess.start(env);
    const { url, port } = service;
    const ana = await RecordedChatClient.online(url);
    const rooms = ["/cooking", "/pets", "/travel"];
    const sent = rooms.flatMap((room) => numbers(150).map((text) => ana.client.send(room, text)));
    await ana.received(60);
    service.child.kill("SIGKILL");
    await service.exited;
    await ServiceProcess.start({ ...env, PORT: String(port) });
    await Promise.all(sent);
    await ana.received(sent.length);
    for (const room of rooms) {
      expect(await historyTexts(url, room)).toEqual(numbers(150));
      const received = ana.messages.filter(({ chatRoom }) => chatRoom.name === room);
      expect(received.map(({ message }) => message)).toEqual(numbers(150));
    }
  });

  test("messages beyond the rate limit are sent again, in order", async () => {
    const { url } = await startService({ MESSAGES_PER_SECOND: "20", MESSAGES_BURST: "20" });
    const ana = await RecordedChatClient.online(url);
    await Promise.all(numbers(45).map((text) => ana.client.send("/cooking", text)));
    expect(await historyTexts(url)).toEqual(numbers(45));
  });

  test("a refused message rejects with its refusal, and the others keep their order", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url);
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
    const client = new ChatClient(url);
    await expect(client.send("/cooking", "hello")).rejects.toThrow("Username is not set");
  });
});

describe("coming back", () => {
  test("missed messages are received once, in order, and counted", async () => {
    const { url } = await startService();
    const other = await TestClient.connect(url);
    const ana = await RecordedChatClient.online(url, NO_RECONNECTION);
    await sendAcked(other, { message: "before" });
    await ana.received(1);
    await ana.cut();
    await sendNumbered(other, 3);
    ana.client.connect();
    await ana.isOnline();
    await sendAcked(other, { message: "after" });
    await ana.received(5);
    expect(ana.texts()).toEqual(["before", ...numbers(3), "after"]);
    expect(ana.client.status).toEqual({ state: "online", recovered: 3, recovering: [], incomplete: [] });
    const states = ana.statuses.map(({ state }) => state);
    expect(states).toEqual(["connecting", "online", "offline", "connecting", "online"]);
  });

  test("the client reconnects by itself, also when the server has disconnected it", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url);
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

  test("presence is announced again after a reconnect, under the current username", async () => {
    const { url } = await startService();
    const witness = await RecordedChatClient.online(url, { username: "witness" });
    const ana = await RecordedChatClient.online(url);
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

  test("messages that the server cannot replay are read from history and shown before live ones", async () => {
    const { url } = await startService(NO_LIMIT);
    const other = await TestClient.connect(url);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const fetchBehindGate = (target: string, init: { signal: AbortSignal }) =>
      gate.then(() => fetch(target, init));
    const ana = await RecordedChatClient.online(url, { ...NO_RECONNECTION, fetch: fetchBehindGate });
    await sendAcked(other, { message: "before" });
    await ana.received(1);
    await ana.cut();
    await sendNumbered(other, 1_100);
    ana.client.connect();
    await ana.isOnline();
    expect(ana.client.status).toMatchObject({ recovered: 0, recovering: ["/cooking"] });
    const mine = ana.client.send("/cooking", "mine"); // waits until the history is read
    const elsewhere = await ana.client.send("/pets", "elsewhere");
    await sendAcked(other, { message: "meanwhile" });
    await until("messages of other rooms are received", () =>
      ana.messages.some(({ uuid }) => uuid === elsewhere.uuid),
    );
    expect(ana.texts()).toEqual(["before", "elsewhere"]);
    open();
    await mine;
    await ana.received(1_104);
    expect(ana.texts()).toEqual(["before", "elsewhere", ...numbers(1_100), "meanwhile", "mine"]);
    expect(ana.client.status).toMatchObject({ recovering: [], incomplete: [] });
  });

  test("when the server's log was lost, the new one is shown from its beginning, and the room is incomplete", async () => {
    const service = await startService(NO_LIMIT);
    const { url } = service;
    const ana = await RecordedChatClient.online(url, NO_RECONNECTION);
    await ana.client.send("/cooking", "lost");
    await ana.received(1);
    await ana.cut();
    await restart(service, temporaryDirectory());
    await sendNumbered(await TestClient.connect(url), 3);
    ana.client.connect();
    await ana.received(4);
    await until("all is recovered", () => ana.client.status.recovering.length === 0);
    expect(ana.texts()).toEqual(["lost", ...numbers(3)]);
    expect(ana.client.status.incomplete).toContain("/cooking");
    await ana.cut();
    ana.client.connect();
    await ana.isOnline();
    expect(ana.client.status).toEqual({ state: "online", recovered: 0, recovering: [], incomplete: [] });
    expect(ana.texts()).toHaveLength(4);
  });

  test("when history cannot be read either, the room continues and is incomplete", async () => {
    const service = await startService(NO_LIMIT);
    const fetchNothing = () => Promise.reject(new Error("no network"));
    const ana = await RecordedChatClient.online(service.url, { ...NO_RECONNECTION, fetch: fetchNothing });
    await ana.cut();
    await restart(service, temporaryDirectory());
    ana.client.connect();
    await until("it gives up", () => ana.client.status.incomplete.length === 4);
    expect(ana.errors[0]).toMatchObject({ status: 0, message: "no network" });
    await ana.client.send("/cooking", "hello");
    await ana.received(1);
  });
});

test("the other clients are notified when a user types and stops", async () => {
  const { url } = await startService();
  const ana = await RecordedChatClient.online(url);
  const bo = await RecordedChatClient.online(url, { username: "bo" });
  ana.client.setTyping("/cooking", true);
  ana.client.setTyping("/cooking", false);
  await until("bo is notified", () => bo.typing.length === 2);
  const chatRoom = { label: "Cooking", name: "/cooking" };
  expect(bo.typing).toEqual([
    { username: "ana", chatRoom, isTyping: true },
    { username: "ana", chatRoom, isTyping: false },
  ]);
  expect(ana.typing).toEqual([]);
});

describe("errors", () => {
  test("refusals of events without an ack are `error` events", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url);
    ana.client.setTyping("/nowhere", true);
    ana.client.announcePresence({ avatar: "", room: "/nowhere" });
    await until("both came", () => ana.errors.length === 2);
    for (const error of ana.errors)
      expect(error).toMatchObject({ message: "Chat room does not exist", status: 404, errors: [] });
  });

  test("a refused handshake is an `error` event, and the client stays offline until `connect`", async () => {
    const { url } = await startService();
    const auth: Record<string, unknown> = { unknown: true };
    const ana = new RecordedChatClient(url, { socketOptions: { auth } });
    ana.client.connect();
    await until("it was refused", () => ana.errors.length === 1);
    expect(ana.errors[0]).toMatchObject({ message: "Handshake is not valid", status: 400 });
    expect(ana.client.status.state).toBe("offline");
    delete auth.unknown;
    ana.client.connect();
    await ana.isOnline();
  });

  test("a listener that throws stops no other listener, and a removed listener is not called", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url);
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
    await ana.received(1);
    expect(silent).not.toHaveBeenCalled();
  });
});

describe("history", () => {
  test("is read in pages", async () => {
    const { url } = await startService();
    const ana = await RecordedChatClient.online(url);
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

test("a closed client rejects unanswered messages, emits its status and stays closed", async () => {
  const { url } = await startService();
  const ana = new RecordedChatClient(url);
  const sent = ana.client.send("/cooking", "never");
  ana.client.connect();
  ana.client.close();
  await expect(sent).rejects.toMatchObject({ message: "Client is closed", status: 0 });
  await expect(ana.client.send("/cooking", "never")).rejects.toThrow("Client is closed");
  expect(() => ana.client.connect()).toThrow("Client is closed");
  expect(ana.statuses.at(-1)?.state).toBe("closed");
  expect(await historyTexts(url)).toEqual([]);
});
