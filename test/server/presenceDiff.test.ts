import { EMPTY_ROOMS, PresenceWatcher, presenceStorm } from "../support/presenceWatcher";
import { Random } from "../support/random";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { PETS, COOKING } from "../support/rooms";

const ID = expect.stringMatching(/^[\w-]{12}$/) as string;

/** Sends a message and waits for it: everything that was sent to the client before has arrived by then. */
async function settle(client: TestClient): Promise<void> {
  const { uuid } = client.sendMessage();
  for (;;) {
    const [message] = await client.waitFor<{ data: { uuid: string } }>("/cooking");
    if (message?.data.uuid === uuid) return;
  }
}

test("a client that opts in receives the state once on connecting, then diffs and no snapshots", async () => {
  const { url } = await startService();
  const base = await TestClient.connect(url);
  base.announcePresence({ username: "ana", avatar: "a" });
  await base.waitFor("presence_information");
  const watcher = await PresenceWatcher.connect(url);
  expect(await watcher.known()).toEqual({
    ...EMPTY_ROOMS,
    "/cooking": [{ id: ID, username: "ana", avatar: "a" }],
  });
  base.announcePresence({ currentRoom: PETS });
  await watcher.diff();
  await settle(watcher.client);
  expect(watcher.client.queuedEvents()).toEqual([]);
});

test("base clients beside them get what they always got", async () => {
  const { url } = await startService();
  const base = await TestClient.connect(url, { generation: "2.x" });
  const { client } = await PresenceWatcher.connect(url);
  const [answer] = await client.ask("new_presence_information", {
    username: "ana",
    avatar: "a",
    currentRoom: COOKING,
  });
  const there = { ...EMPTY_ROOMS, "/cooking": [{ username: "ana", avatar: "a" }] };
  expect(answer).toEqual({ data: { usersPerRoom: there }, error: null });
  expect(await base.waitFor("presence_information")).toEqual([
    { data: { usersPerRoom: there }, error: null },
  ]);
  client.disconnect();
  expect(await base.waitFor("presence_information")).toEqual([
    { data: { usersPerRoom: EMPTY_ROOMS }, error: null },
  ]);
});

test("a join, a move and a leave reach all clients, the mover included, under one id", async () => {
  const { url } = await startService();
  const ana = await PresenceWatcher.connect(url);
  const bo = await PresenceWatcher.connect(url);
  ana.client.announcePresence({ username: "ana", avatar: "a" });
  const join = await bo.diff();
  expect(join).toEqual({ joined: { "/cooking": [{ id: ID, username: "ana", avatar: "a" }] }, left: {} });
  expect(await ana.diff()).toEqual(join);
  const id = join.joined["/cooking"]?.[0]?.id ?? "";
  ana.client.announcePresence({ username: "ana", avatar: "b", currentRoom: PETS });
  const move = { joined: { "/pets": [{ id, username: "ana", avatar: "b" }] }, left: { "/cooking": [id] } };
  expect(await bo.diff()).toEqual(move);
  expect(await ana.diff()).toEqual(move);
  ana.client.disconnect();
  expect(await bo.diff()).toEqual({ joined: {}, left: { "/pets": [id] } });
  expect(await bo.known()).toEqual(EMPTY_ROOMS);
});

test("the id is not the socket's, for both client generations, and each connection has another one", async () => {
  const { url } = await startService();
  const watcher = await PresenceWatcher.connect(url);
  const ids = new Set<string>();
  for (const generation of ["4.8", "2.x", "4.8"] as const) {
    const client = await TestClient.connect(url, { generation });
    client.announcePresence();
    const id = (await watcher.diff()).joined["/cooking"]?.[0]?.id ?? "";
    const engine = client.socket.io.engine as unknown as { id: string };
    for (const secret of [client.socket.id, engine.id]) expect(secret).not.toContain(id);
    ids.add(id);
  }
  expect([...ids]).toEqual([ID, ID, ID]);
});

test("changes of one turn share one event, and those of one client are summed up", async () => {
  const { url } = await startService();
  const watcher = await PresenceWatcher.connect(url);
  // Packets that are sent during a poll request share the next request, so they arrive in one turn.
  const client = await TestClient.connect(url, { transports: ["polling"] });
  client.sendMessage();
  for (const currentRoom of [COOKING, PETS, COOKING, PETS]) client.announcePresence({ currentRoom });
  expect(await watcher.diff()).toEqual({
    joined: { "/pets": [{ id: ID, username: "ana", avatar: "image link" }] },
    left: {},
  });
  client.sendMessage();
  for (const currentRoom of [COOKING, PETS]) client.announcePresence({ currentRoom });
  const { joined, left } = await watcher.diff();
  expect(left).toEqual({ "/pets": [joined["/pets"]?.[0]?.id] });
  expect(Object.keys(joined)).toEqual(["/pets"]);
});

test("a new name in the same room causes no event and is part of the next diff", async () => {
  const { url } = await startService();
  const { client: ana } = await PresenceWatcher.connect(url);
  const bo = await PresenceWatcher.connect(url);
  ana.announcePresence({ username: "ana" });
  const id = (await bo.diff()).joined["/cooking"]?.[0]?.id;
  ana.announcePresence({ username: "anna" });
  await settle(ana);
  const late = await PresenceWatcher.connect(url);
  expect(await late.known()).toMatchObject({ "/cooking": [{ id, username: "anna" }] });
  expect(bo.client.queued("presence_diff")).toEqual([]);
  late.client.announcePresence({ username: "late", currentRoom: PETS });
  for (const watcher of [bo, late]) {
    expect(await watcher.diff()).toMatchObject({
      joined: { "/cooking": [{ id, username: "anna" }], "/pets": [{ username: "late" }] },
      left: {},
    });
  }
});

test.each(["snapshot", "", true, null, {}])("the opt-in `presence: %j` is refused", async (presence) => {
  const { url } = await startService();
  const refused = TestClient.connect(url, { auth: { presence } });
  await expect(refused).rejects.toMatchObject({ message: "Handshake is not valid", data: { status: 400 } });
});

test("after a storm all clients know the same state, in the same order, as a newcomer", async () => {
  const { url } = await startService({ PRESENCE_PER_SECOND: "0" });
  await presenceStorm([url], new Random());
});

test("after a storm beyond the budget all clients know the same state, in the same order", async () => {
  const budget = { PRESENCE_BYTES_PER_SECOND: "100000", PRESENCE_BURST_BYTES: "10000" };
  const { url } = await startService({ PRESENCE_PER_SECOND: "0", ...budget });
  await presenceStorm([url], new Random());
});

test("changes beyond the budget wait and share events, and the last state is sent", async () => {
  const { url } = await startService({ PRESENCE_BYTES_PER_SECOND: "2000", PRESENCE_BURST_BYTES: "400" });
  const watcher = await PresenceWatcher.connect(url);
  const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.connect(url)));
  for (const [i, client] of clients.entries()) {
    client.announcePresence({ username: `u${String(i)}` });
    await settle(client); // so that each change has its own turn
  }
  let events = 0;
  for (; (await watcher.known())["/cooking"]?.length !== clients.length; events += 1) await watcher.diff();
  expect(events).toBeLessThan(clients.length / 2);
});
