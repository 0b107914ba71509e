import { EVENTS } from "../../src/protocol/events";
import { COOKING } from "../support/rooms";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService } from "../support/service";
import { CLIENTS, TestClient } from "../support/testClient";

const ISO_TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const EMPTY_ROOMS = { "/cooking": [], "/money": [], "/travel": [], "/pets": [] };

interface MessageEnvelope {
  data: { serverTimestamp: string };
  error: null;
}

describe.each(CLIENTS)("$name", ({ options }) => {
  test("a message reaches every client, the sender included, with exactly the documented keys", async () => {
    const { url } = await startService();
    const sender = await TestClient.connect(url, options);
    const other = await TestClient.connect(url);

    const sent = sender.sendMessage({ message: "¡hola! 👋" });

    for (const client of [sender, other]) {
      const [args] = await client.waitForArguments("/cooking");
      const [envelope] = args as [MessageEnvelope];
      expect(args).toHaveLength(1);
      expect(envelope).toEqual({
        data: { ...sent, serverTimestamp: expect.any(String) as string },
        error: null,
      });
      expect(envelope.data.serverTimestamp).toMatch(ISO_TIMESTAMP);
    }
  });

  test("a message carries the server's label, also when it was sent with another one", async () => {
    const { url } = await startService();
    const client = await TestClient.connect(url, options);
    client.sendMessage({ chatRoom: { label: "wrong", name: "/cooking" } });
    const [envelope] = await client.waitFor("/cooking");
    expect(envelope).toMatchObject({ data: { chatRoom: COOKING } });
  });

  test("the same payload from two clients is broadcast twice", async () => {
    const { url } = await startService();
    const ana = await TestClient.connect(url, options);
    const bo = await TestClient.connect(url, options);
    ana.sendMessage({ uuid: "1234" });
    bo.sendMessage({ uuid: "1234" });
    expect(await ana.waitFor("/cooking", 2)).toHaveLength(2);
    expect(await bo.waitFor("/cooking", 2)).toHaveLength(2);
  });

  test("nothing is sent on connecting", async () => {
    const { url } = await startService();
    const early = await TestClient.connect(url, options);
    early.announcePresence();
    await early.waitFor(EVENTS.presenceInformation);
    const late = await TestClient.connect(url, options);
    late.sendMessage();
    await late.waitFor("/cooking");
    expect(late.queuedEvents()).toEqual([]);
  });

  test("every client receives presence when a client enters, changes its room or disconnects", async () => {
    const { url } = await startService();
    const witness = await TestClient.connect(url);
    const ana = await TestClient.connect(url, options);

    ana.announcePresence();
    const expected = { ...EMPTY_ROOMS, "/cooking": [{ username: "ana", avatar: "image link" }] };
    for (const client of [witness, ana]) {
      const [args] = await client.waitForArguments(EVENTS.presenceInformation);
      expect(args).toEqual([{ data: { usersPerRoom: expected }, error: null }]);
    }

    ana.announcePresence({ currentRoom: { label: "any", name: "/pets" } });
    const [moved] = await witness.waitFor(EVENTS.presenceInformation);
    expect(moved).toMatchObject({
      data: { usersPerRoom: { "/cooking": [], "/pets": [{ username: "ana" }] } },
    });

    ana.disconnect();
    const [gone] = await witness.waitFor(EVENTS.presenceInformation);
    expect(gone).toEqual({ data: { usersPerRoom: EMPTY_ROOMS }, error: null });
  });

  test("presence for the room that a client is in updates name and avatar without an event", async () => {
    const { url } = await startService();
    const ana = await TestClient.connect(url, options);
    const bo = await TestClient.connect(url, options);
    ana.announcePresence();
    await bo.waitFor(EVENTS.presenceInformation);
    ana.announcePresence({ username: "anna", avatar: "" });
    ana.sendMessage(); // a marker: it leaves after the silent update
    await bo.waitFor("/cooking");
    expect(bo.queuedEvents()).toEqual([]);

    bo.announcePresence({ username: "bo" });
    const [envelope] = await bo.waitFor(EVENTS.presenceInformation);
    const inCooking = [
      { username: "anna", avatar: "" },
      { username: "bo", avatar: "image link" },
    ];
    expect(envelope).toEqual({
      data: { usersPerRoom: { ...EMPTY_ROOMS, "/cooking": inCooking } },
      error: null,
    });
  });

  test("a client without presence leaves without an event", async () => {
    const { url } = await startService();
    const witness = await TestClient.connect(url);
    const silent = await TestClient.connect(url, options);
    silent.disconnect();
    witness.announcePresence();
    const [envelope] = await witness.waitFor(EVENTS.presenceInformation);
    expect(envelope).toMatchObject({ data: { usersPerRoom: { "/cooking": [{ username: "ana" }] } } });
  });

  test("a refusal goes to its sender alone, and the connection stays open", async () => {
    const { url } = await startService();
    const offender = await TestClient.connect(url, options);
    const bystander = await TestClient.connect(url);
    offender.sendMessage({ chatRoom: { label: "Nowhere", name: "/nowhere" } });
    const [args] = await offender.waitForArguments(EVENTS.serverError);
    expect(args).toEqual([
      { data: null, error: { message: "Chat room does not exist", status: 404, errors: [] } },
    ]);

    offender.sendMessage();
    await bystander.waitFor("/cooking");
    await offender.waitFor("/cooking");
    expect(bystander.queuedEvents()).toEqual([]);
  });

  test("a callback gets the answer or the refusal, exactly once", async () => {
    const { url } = await startService();
    const client = await TestClient.connect(url, options);
    const message = { username: "ana", message: "hi", uuid: "1234", chatRoom: COOKING };
    const [accepted] = await client.ask(EVENTS.newMessage, message);
    expect(accepted).toMatchObject({ data: { uuid: "1234" }, error: null });
    const [refused] = await client.ask(EVENTS.newMessage, {
      ...message,
      chatRoom: { label: "x", name: "/x" },
    });
    expect(refused).toEqual({
      data: null,
      error: { message: "Chat room does not exist", status: 404, errors: [] },
    });
    const presence = { username: "ana", avatar: "", currentRoom: COOKING };
    const [placed] = await client.ask(EVENTS.newPresenceInformation, presence);
    const inCooking = [{ username: "ana", avatar: "" }];
    expect(placed).toEqual({
      data: { usersPerRoom: { ...EMPTY_ROOMS, "/cooking": inCooking } },
      error: null,
    });
    expect(client.queued(EVENTS.serverError)).toEqual([]);
  });
});

test("a client that starts with polling and upgrades, as browsers do, loses and repeats no message", async () => {
  const { url } = await startService(NO_RATE_LIMITS);
  const sender = await TestClient.connect(url);
  const upgrading = await TestClient.connect(url, { transports: ["polling", "websocket"] });
  const sent: string[] = [];
  while (upgrading.socket.io.engine.transport.name !== "websocket") {
    sent.push(sender.sendMessage().uuid);
    await sender.waitFor("/cooking");
  }
  sent.push(sender.sendMessage().uuid);
  const received = await upgrading.waitFor<{ data: { uuid: string } }>("/cooking", sent.length);
  expect(received.map(({ data }) => data.uuid)).toEqual(sent);
});
