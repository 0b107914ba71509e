import { TestClient } from "../support/testClient";
import { startService } from "../support/service";

const ROOMS = ["/cooking", "/money", "/travel", "/pets"];
const NO_LIMITS = { MESSAGES_PER_SECOND: "0" };

interface Received {
  data: { username: string; message: string; uuid: string };
}

/** Room messages in order of arrival, over all rooms; the rooms share one stream. */
function collect(client: TestClient): Received["data"][] {
  const received: Received["data"][] = [];
  for (const room of ROOMS) client.socket.on(room, ({ data }: Received) => received.push(data));
  return received;
}

/** Each sender's numbers in the order heard. */
function numbersOf(received: Received["data"][], username: string): number[] {
  return received.filter((data) => data.username === username).map(({ message }) => Number(message));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

test("under load everybody hears every message once, each sender's in order, and all in the same order", async () => {
  const { url } = await startService(NO_LIMITS);
  const transports = (index: number) => (index % 4 === 0 ? ["polling" as const] : ["websocket" as const]);
  const clients = await Promise.all(
    range(0, 20).map((index) => TestClient.connect(url, { transports: transports(index) })),
  );
  const heard = clients.map(collect);
  const senders = clients.slice(0, 8);

  for (const number of range(0, 200)) {
    for (const [index, sender] of senders.entries()) {
      const name = ROOMS[(index + number) % ROOMS.length] ?? "/pets";
      sender.sendMessage({
        username: `s${String(index)}`,
        message: String(number),
        chatRoom: { label: "x", name },
      });
    }
    if (number % 20 === 0) await senders[0]?.waitFor(ROOMS[number % ROOMS.length] ?? "/pets");
  }
  for (const sender of senders) await sender.ask("new_presence_information", {}); // a marker behind its messages
  await heardMarker(clients, url);

  const [first] = heard;
  for (const received of heard) {
    expect(received.map(({ uuid }) => uuid)).toEqual(first?.map(({ uuid }) => uuid));
    for (const index of senders.keys())
      expect(numbersOf(received, `s${String(index)}`)).toEqual(range(0, 200));
  }
});

/** Resolves when one message, sent now by a newcomer, has come through to all the clients. */
async function heardMarker(clients: TestClient[], url: string): Promise<void> {
  const newcomer = await TestClient.connect(url);
  const uuid = `marker ${String(Math.random())}`;
  const heard = clients.map(
    (client) =>
      new Promise<void>((resolve) => {
        client.socket.on("/cooking", ({ data }: Received) => {
          if (data.uuid === uuid) resolve();
        });
      }),
  );
  newcomer.sendMessage({ username: "marker", uuid });
  await Promise.all(heard);
  newcomer.disconnect();
}

test("who joins, leaves or upgrades in the middle hears one unbroken stretch", async () => {
  const { url } = await startService(NO_LIMITS);
  const sender = await TestClient.connect(url);
  let isOver = false;
  let sent = 0;
  const talking = (async () => {
    while (!isOver) {
      for (let i = 0; i < 10; i += 1, sent += 1) sender.sendMessage({ username: "s", message: String(sent) });
      await sender.waitFor("/cooking", 10);
    }
  })();

  const visits = range(0, 40).map(async (visit) => {
    const transports = visit % 2 === 0 ? (["polling", "websocket"] as const) : (["websocket"] as const);
    const visitor = TestClient.open(url, { transports: [...transports] });
    const received = collect(visitor);
    await visitor.waitFor("/cooking", 20 + visit * 5);
    if (visit % 3 === 0) visitor.disconnect();
    return { visitor, received };
  });
  const stays = await Promise.all(visits);
  isOver = true;
  await talking;
  const stayed = stays.map(({ visitor }) => visitor).filter(({ socket }) => socket.connected);
  await heardMarker(stayed, url);

  for (const { visitor, received } of stays) {
    const numbers = numbersOf(received, "s");
    const from = numbers[0] ?? NaN;
    const to = visitor.socket.connected ? sent : from + numbers.length;
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual(range(from, to));
  }
});

test("a message larger than 64 KiB on the wire and many small ones keep their frames apart", async () => {
  const { url } = await startService(NO_LIMITS);
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
