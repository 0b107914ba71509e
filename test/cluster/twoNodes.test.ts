import {
  EVENTS,
  type DataEnvelope,
  type PresenceInformation,
  type PresenceState,
} from "../../src/protocol/events";
import { describeWithBinary } from "../support/binaries";
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
import { PresenceWatcher, presenceStorm } from "../support/presenceWatcher";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { Random } from "../support/random";
import { sharedRedis } from "../support/redisServer";
import { startService, type RunningService } from "../support/service";
import { CLIENTS, TestClient } from "../support/testClient";
import { until } from "../support/until";
import { numbers } from "../support/numbers";
import { PETS, COOKING } from "../support/rooms";

describeWithBinary("redis-server", "two nodes", () => {
  const redis = sharedRedis();

  function startNode(env: Record<string, string> = {}): Promise<RunningService> {
    return startService({ REDIS_URL: redis().url, ...NO_RATE_LIMITS, ...env });
  }

  function startTwo(): Promise<[RunningService, RunningService]> {
    return Promise.all([startNode(), startNode()]);
  }

  test.each(CLIENTS)("$name receives messages from the other node as from its own", async ({ options }) => {
    const [one, other] = await startTwo();
    const near = await TestClient.connect(one.url, options);
    const far = await TestClient.connect(other.url, options);
    const sent = near.sendMessage({ message: "hello" });
    const expected = { data: { ...sent, serverTimestamp: expect.any(String) as string }, error: null };
    expect(await near.waitForArguments("/cooking")).toEqual([[expected]]);
    expect(await far.waitForArguments("/cooking")).toEqual([[expected]]);
    far.sendMessage({ message: "hello yourself" });
    expect(texts(await near.waitForArguments("/cooking"))).toEqual(["hello yourself"]);
  });

  test("messages have the same order and offsets on both nodes, live and in history, from senders on both", async () => {
    const [one, other] = await startTwo();
    const senders = await Promise.all([one, other].map(({ url }) => TestClient.connect(url)));
    const witnesses = await Promise.all([one, other].map(({ url }) => connectResuming(url, {})));
    await Promise.all(
      senders.map((sender, i) => sendNumbered(sender, 200, { username: `sender ${String(i)}` })),
    );
    const [here, there] = await Promise.all(
      witnesses.map(async (witness) => textsAndOffsets(await witness.waitForArguments("/cooking", 400))),
    );
    expect(here).toEqual(there);
    const histories = await Promise.all([one, other].map(({ url }) => wholeHistory(url)));
    expect(histories[0]).toEqual(histories[1]);
    expect(histories[0]?.map(({ message, offset }) => [message, offset])).toEqual(here);
  });

  test("a retry on the other node is a duplicate, and is refused there with another text", async () => {
    const [one, other] = await startTwo();
    const near = await TestClient.connect(one.url);
    const far = await TestClient.connect(other.url);
    const message = newMessage({ message: "once" });
    const { data: receipt } = await ask(near, message);
    expect(await ask(far, message)).toEqual({ data: { ...receipt, duplicate: true }, error: null });
    const error = { message: "Message uuid was already used", status: 409, errors: [] };
    expect(await ask(far, { ...message, message: "other" })).toEqual({ data: null, error });
    await sendAcked(far, { message: "marker" });
    expect(texts(await near.waitForArguments("/cooking", 2))).toEqual(["once", "marker"]);
  });

  test("presence by difference is the same on both nodes, under the same ids", async () => {
    const [one, other] = await startTwo();
    const [near, far] = [await PresenceWatcher.connect(one.url), await PresenceWatcher.connect(other.url)];
    near.client.announcePresence({ username: "ana" });
    const join = await near.diff();
    expect(await far.diff()).toEqual(join);
    const id = join.joined["/cooking"]?.[0]?.id;
    near.client.announcePresence({ username: "ana", currentRoom: PETS });
    const move = { joined: { "/pets": [expect.objectContaining({ id })] }, left: { "/cooking": [id] } };
    expect(await far.diff()).toEqual(move);
    near.client.disconnect();
    expect(await far.diff()).toEqual({ joined: {}, left: { "/pets": [id] } });
  });

  test("in a storm of presence over both nodes all clients reach the same state", async () => {
    const [one, other] = await startTwo();
    // Arrivals on two nodes within one millisecond may be announced in another order than they are stored in.
    const sorted = (known: PresenceState["usersPerRoom"]) =>
      Object.entries(known).map(([room, clients]) => [
        room,
        clients.map(({ id, username }) => `${id} ${username}`).sort(),
      ]);
    await presenceStorm([one.url, other.url], new Random(), sorted);
  });

  test("a client that was on one node resumes on the other", async () => {
    const [one, other] = await startTwo();
    const sender = await TestClient.connect(one.url);
    const offsets = await sendNumbered(sender, 30);
    const client = await connectResuming(other.url, { "/cooking": offsets[9] });
    expect(texts(await client.waitForArguments("/cooking", 20))).toEqual(numbers(20, 10));
    const rooms = await resumedRooms(client);
    expect(rooms["/cooking"]).toEqual({ recovered: true, replayed: 20, offset: offsets[29] });
    await sendAcked(sender, { message: "next" });
    expect(texts(await client.waitForArguments("/cooking"))).toEqual(["next"]);
  });

  test("presence on both nodes lists the clients of both, in order of arrival", async () => {
    const [one, other] = await startTwo();
    const near = await TestClient.connect(one.url);
    const far = await TestClient.connect(other.url);
    const presenceAt = async (client: TestClient) => {
      const [snapshot] = await client.waitFor<DataEnvelope<PresenceInformation>>(EVENTS.presenceInformation);
      return snapshot?.data.usersPerRoom;
    };
    const empty = { "/cooking": [], "/money": [], "/travel": [], "/pets": [] };
    const [ana, bo] = ["ana", "bo"].map((username) => ({ username, avatar: "image link" }));
    near.announcePresence();
    for (const client of [near, far])
      expect(await presenceAt(client)).toEqual({ ...empty, "/cooking": [ana] });
    far.announcePresence({ username: "bo" });
    for (const client of [near, far])
      expect(await presenceAt(client)).toEqual({ ...empty, "/cooking": [ana, bo] });
    near.announcePresence({ currentRoom: PETS });
    for (const client of [near, far]) {
      expect(await presenceAt(client)).toEqual({ ...empty, "/cooking": [bo], "/pets": [ana] });
    }
    const [answer] = await far.ask(EVENTS.newPresenceInformation, { username: "bo", avatar: "image link", currentRoom: COOKING }); // prettier-ignore
    expect(answer).toMatchObject({ data: { usersPerRoom: { "/cooking": [bo], "/pets": [ana] } } });
    near.disconnect();
    expect(await presenceAt(far)).toEqual({ ...empty, "/cooking": [bo] });
  });

  /** One client on each node; the first is present and types, and the second has received that. */
  async function typingOnTheFirst() {
    const [one, other] = await startTwo();
    const near = await TestClient.connect(one.url);
    const far = await TestClient.connect(other.url, { auth: { typing: true } });
    near.announcePresence();
    await far.waitFor(EVENTS.presenceInformation);
    const typing = { username: "ana", chatRoom: COOKING, isTyping: true };
    near.socket.emit(EVENTS.newTypingInformation, typing);
    expect(await far.waitFor(EVENTS.typingInformation)).toEqual([{ data: typing, error: null }]);
    return { one, far, stopped: { data: { ...typing, isTyping: false }, error: null } };
  }

  test("when a node stops, the other node reports that its clients left and stopped typing", async () => {
    const { one, far, stopped } = await typingOnTheFirst();
    await one.app.stop();
    expect(await far.waitFor(EVENTS.typingInformation)).toEqual([stopped]);
    const [snapshot] = await far.waitFor<DataEnvelope<PresenceInformation>>(EVENTS.presenceInformation);
    expect(snapshot?.data.usersPerRoom["/cooking"]).toEqual([]);
  });

  test("when a node is declared dead, the other node reports that its clients stopped typing", async () => {
    const { far, stopped } = await typingOnTheFirst();
    for (const id of await redis().control.hkeys("chat:{presence}:nodes")) {
      const gone = { uid: "test", type: 6, data: ["presence_gone", "test", id] }; // a packet of the Redis adapter
      await redis().control.publish("chat:nodes-request#/#", JSON.stringify(gone));
    }
    expect(await far.waitFor(EVENTS.typingInformation)).toEqual([stopped]);
  });

  test("clients of a node that has missed messages are disconnected and not recovered when they resume", async () => {
    const [one, other] = await startTwo();
    const sender = await TestClient.connect(other.url);
    const client = await connectResuming(one.url, {});
    const [offset] = await sendNumbered(sender, 1);
    await client.waitFor("/cooking");
    // As if more messages had been stored and trimmed than the nodes could read.
    await redis().control.hincrby("chat:{/cooking}:log", "last", 50);
    sender.sendMessage({ message: "after the gap" });
    await Promise.all([client.disconnected(), sender.disconnected()]);
    expect([client, sender].map((each) => each.queued("/cooking").length)).toEqual([0, 1]);
    const back = await connectResuming(one.url, { "/cooking": offset });
    expect((await resumedRooms(back))["/cooking"]).toMatchObject({ recovered: false, replayed: 0 });
    expect((await wholeHistory(one.url)).map(({ message }) => message)).toEqual(["0", "after the gap"]);
    await sendAcked(back, { message: "all is well" });
    expect(texts(await back.waitForArguments("/cooking"))).toEqual(["all is well"]);
  });

  test("a node that joins later replays the messages from before", async () => {
    const one = await startNode();
    const offsets = await sendNumbered(await TestClient.connect(one.url), 10);
    const late = await startNode({ REPLAY_ON_CONNECT: "3" });
    const base = await TestClient.connect(late.url);
    expect(texts(await base.waitForArguments("/cooking", 3))).toEqual(numbers(3, 7));
    const resuming = await connectResuming(late.url, { "/cooking": offsets[4] });
    expect(texts(await resuming.waitForArguments("/cooking", 5))).toEqual(numbers(5, 5));
  });

  test("services with different key prefixes share nothing but Redis", async () => {
    const one = await startNode();
    const other = await startNode({ REDIS_KEY_PREFIX: "other" });
    const near = await TestClient.connect(one.url);
    const far = await TestClient.connect(other.url);
    near.announcePresence();
    await sendAcked(near, { message: "under the first prefix" });
    await sendAcked(far, { message: "marker" });
    expect(texts(await far.waitForArguments("/cooking"))).toEqual(["marker"]);
    expect(far.queuedEvents()).toEqual([]);
    await until(
      "the other service has stored its keys",
      async () => (await redis().control.keys("other:*")).length > 2,
    );
  });
});
