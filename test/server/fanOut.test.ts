import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { numbers } from "../support/numbers";
import { ROOM_NAMES } from "../support/rooms";

interface Received {
  data: { username: string; message: string; uuid: string };
}

/** The messages of all rooms, in the order of arrival. */
function collect(client: TestClient): Received["data"][] {
  const received: Received["data"][] = [];
  for (const room of ROOM_NAMES) client.socket.on(room, ({ data }: Received) => received.push(data));
  return received;
}

/** The texts of one sender's messages, in the order of arrival. */
function textsOf(received: Received["data"][], username: string): string[] {
  return received.filter((data) => data.username === username).map(({ message }) => message);
}

test("under load every client receives every message once, and all clients in the same order", async () => {
  const { url } = await startService(NO_RATE_LIMITS);
  const transports = (index: number) => (index % 4 === 0 ? ["polling" as const] : ["websocket" as const]);
  const clients = await Promise.all(
    numbers(20).map((index) => TestClient.connect(url, { transports: transports(Number(index)) })),
  );
  const streams = clients.map(collect);
  const senders = clients.slice(0, 8);

  const roomAt = (index: number) => ROOM_NAMES[index % ROOM_NAMES.length] ?? "/pets";
  for (const [number, message] of numbers(200).entries()) {
    for (const [index, sender] of senders.entries()) {
      const chatRoom = { label: "x", name: roomAt(index + number) };
      sender.sendMessage({ username: `s${String(index)}`, message, chatRoom });
    }
    if (number % 20 === 0) await senders[0]?.waitFor(roomAt(number));
  }
  for (const sender of senders) await sender.ask("new_presence_information", {}); // answered after its messages
  await markerReceived(clients, url);

  const uuids = streams[0]?.map(({ uuid }) => uuid);
  for (const received of streams) {
    expect(received.map(({ uuid }) => uuid)).toEqual(uuids);
    for (const index of senders.keys()) expect(textsOf(received, `s${String(index)}`)).toEqual(numbers(200));
  }
});

/** Sends a message; resolves when all the clients have received it. */
async function markerReceived(clients: TestClient[], url: string): Promise<void> {
  const newcomer = await TestClient.connect(url);
  const uuid = `marker ${String(Math.random())}`;
  const received = clients.map(
    (client) =>
      new Promise<void>((resolve) => {
        client.socket.on("/cooking", ({ data }: Received) => {
          if (data.uuid === uuid) resolve();
        });
      }),
  );
  newcomer.sendMessage({ username: "marker", uuid });
  await Promise.all(received);
  newcomer.disconnect();
}

test("a client that joins, leaves or upgrades under load receives a stretch of messages without gaps", async () => {
  const { url } = await startService(NO_RATE_LIMITS);
  const sender = await TestClient.connect(url);
  let isOver = false;
  let sent = 0;
  const sending = (async () => {
    while (!isOver) {
      for (let i = 0; i < 10; i += 1, sent += 1) sender.sendMessage({ username: "s", message: String(sent) });
      await sender.waitFor("/cooking", 10);
    }
  })();

  const visits = numbers(40)
    .map(Number)
    .map(async (visit) => {
      const transports = visit % 2 === 0 ? (["polling", "websocket"] as const) : (["websocket"] as const);
      const visitor = TestClient.open(url, { transports: [...transports] });
      const received = collect(visitor);
      await visitor.waitFor("/cooking", 20 + visit * 5);
      if (visit % 3 === 0) visitor.disconnect();
      return { visitor, received };
    });
  const stays = await Promise.all(visits);
  isOver = true;
  await sending;
  const stayed = stays.map(({ visitor }) => visitor).filter(({ socket }) => socket.connected);
  await markerReceived(stayed, url);

  for (const { visitor, received } of stays) {
    const texts = textsOf(received, "s");
    const from = Number(texts[0]);
    const count = visitor.socket.connected ? sent - from : texts.length;
    expect(texts.length).toBeGreaterThan(0);
    expect(texts).toEqual(numbers(count, from));
  }
});

test("a message of more than 64 KiB on the wire and small ones beside it arrive as they were sent", async () => {
  const { url } = await startService(NO_RATE_LIMITS);
  const sender = await TestClient.connect(url);
  const texts = [
    "",
    "a".repeat(4_000),
    "é".repeat(20),
    "\u{1F600}".repeat(4_000),
    "\u0001".repeat(4_000),
    "z",
  ];
  for (const text of texts) sender.sendMessage({ message: `${text}.`.slice(-4_000) });
  const received = await sender.waitFor<Received>("/cooking", texts.length);
  expect(received.map(({ data }) => data.message)).toEqual(texts.map((text) => `${text}.`.slice(-4_000)));
});
