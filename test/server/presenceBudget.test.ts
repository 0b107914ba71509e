import { readFileSync } from "node:fs";
import { EVENTS } from "../../src/protocol/events";
import { newMessage } from "../support/chat";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { numbers, range } from "../support/numbers";
import { RawClient } from "../support/rawClient";
import { RawWebSocket } from "../support/rawWebSocket";
import { COOKING } from "../support/rooms";
import { startService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { CLIENTS, TestClient } from "../support/testClient";
import { until } from "../support/until";

interface Snapshot {
  data: { usersPerRoom: Record<string, { username: string }[]> };
}

function everyone({ data }: Snapshot): string[] {
  return Object.values(data.usersPerRoom).flatMap((users) => users.map(({ username }) => username));
}

test("while the budget has room, every change is one event", async () => {
  const { url } = await startService();
  const witness = await TestClient.connect(url);
  const clients = await Promise.all(Array.from({ length: 10 }, () => TestClient.connect(url)));
  clients.forEach((client, index) => client.announcePresence({ username: `u${String(index)}` }));
  const snapshots = await witness.waitFor<Snapshot>(EVENTS.presenceInformation, 10);
  expect(snapshots.map((snapshot) => everyone(snapshot).length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("beyond the budget changes coalesce, the bytes stay within it and the last state is exact", async () => {
  const burstBytes = 20_000;
  const bytesPerSecond = 400_000;
  const { url } = await startService({
    PRESENCE_BYTES_PER_SECOND: String(bytesPerSecond),
    PRESENCE_BURST_BYTES: String(burstBytes),
  });
  const clients = await Promise.all(Array.from({ length: 60 }, () => TestClient.connect(url)));
  const [witness] = clients as [TestClient];
  let bytes = 0;
  let last: string[] = [];
  const complete = new Promise<void>((resolve) => {
    witness.socket.on(EVENTS.presenceInformation, (snapshot: Snapshot) => {
      bytes += JSON.stringify(snapshot).length * clients.length;
      last = everyone(snapshot);
      if (last.length === clients.length) resolve();
    });
  });
  const start = performance.now();
  clients.forEach((client, index) => client.announcePresence({ username: `u${String(index)}` }));
  await complete;
  const seconds = (performance.now() - start) / 1_000;

  expect([...last].sort()).toEqual(clients.map((_, index) => `u${String(index)}`).sort());
  // A snapshot larger than the burst is sent when the bucket is empty, so the limit is exceeded by one at most.
  const largest =
    JSON.stringify({ username: "u00", avatar: "image link" }).length * clients.length ** 2 * 1.2;
  expect(bytes).toBeLessThan(burstBytes + bytesPerSecond * seconds + largest);
  const uncoalesced = clients.length * clients.length * (clients.length / 2) * 40;
  expect(bytes).toBeLessThan(uncoalesced / 5);
});

test("after a storm of leaves the last state is empty", async () => {
  const { url } = await startService({ PRESENCE_BURST_BYTES: "1000", PRESENCE_BYTES_PER_SECOND: "100000" });
  const witness = await TestClient.connect(url);
  const clients = await Promise.all(Array.from({ length: 40 }, () => TestClient.connect(url)));
  const states: number[] = [];
  const sawAll = new Promise<void>((resolve) => {
    witness.socket.on(EVENTS.presenceInformation, (snapshot: Snapshot) => {
      states.push(everyone(snapshot).length);
      if (states.at(-1) === 40) resolve();
    });
  });
  await Promise.all(
    clients.map((client) =>
      client.ask(EVENTS.newPresenceInformation, {
        username: "u",
        avatar: "",
        currentRoom: { label: "x", name: "/pets" },
      }),
    ),
  );
  await sawAll;
  const sawNone = new Promise<void>((resolve) => {
    witness.socket.on(EVENTS.presenceInformation, (snapshot: Snapshot) => {
      if (everyone(snapshot).length === 0) resolve();
    });
  });
  clients.forEach((client) => client.disconnect());
  await sawNone;
});

describe("answers to announcements with a callback", () => {
  /** One answer at a time; the next one when the budget has room again. */
  const ONE_AT_A_TIME = { PRESENCE_BURST_BYTES: "1", PRESENCE_BYTES_PER_SECOND: "1000" };
  const TOO_MANY = { data: null, error: { message: "Too many requests", status: 429, errors: [] } };
  const presence = (username: string, avatar = "") => ({ username, avatar, currentRoom: COOKING });
  const announce = async (client: TestClient, username: string) =>
    (await client.ask(EVENTS.newPresenceInformation, presence(username)))[0] as Snapshot;

  test.each(CLIENTS)("wait for the budget and have the state of that time ($name)", async ({ options }) => {
    const { url } = await startService(ONE_AT_A_TIME);
    const [client, other] = await Promise.all([TestClient.connect(url, options), TestClient.connect(url)]);
    const start = performance.now();
    const answers = ["ana", "ana1", "ana2"].map((name) => announce(client, name));
    await answers[0];
    other.announcePresence({ username: "bo" });
    const [first, second, third] = (await Promise.all(answers)) as [Snapshot, Snapshot, Snapshot];
    const elapsedMs = performance.now() - start;
    expect(everyone(third)).toEqual(["ana2", "bo"]);
    const bytes = JSON.stringify([first.data, second.data]).length - 3; // the budget: 1 byte per ms
    expect(elapsedMs).toBeGreaterThan(0.9 * bytes);
  });

  test("more than 20 that wait for one connection: the next announcement is refused and changes nothing", async () => {
    const { url } = await startService({ ...NO_RATE_LIMITS, ...ONE_AT_A_TIME });
    const client = await RawClient.connect(url);
    const send = (...ids: number[]) => {
      const event = (id: number) => [EVENTS.newPresenceInformation, presence("ana", String(id))];
      client.send(...ids.map((id) => `2${String(id)}${JSON.stringify(event(id))}`));
    };
    send(0);
    await until("the first is answered", () => client.acks().length === 1);
    send(...range(21, 1));
    await until("all are answered", () => client.acks().length === 22);
    expect(client.acks()).toEqual([0, 21, ...range(20, 1)]);
    const answers = client.frames.filter((frame) => frame.startsWith("3"));
    expect(answers[1]).toBe(`321[${JSON.stringify(TOO_MANY)}]`);
    expect(answers.at(-1)).toContain('"avatar":"20"');
  });

  test("what waits when the service stops is refused before the connection closes", async () => {
    const { url, app } = await startService({ ...ONE_AT_A_TIME, PRESENCE_BYTES_PER_SECOND: "1" });
    const client = await TestClient.connect(url);
    const [first, second] = [announce(client, "ana"), announce(client, "bo")];
    await first;
    await app.stop();
    expect(await second).toEqual(TOO_MANY);
  });

  test("a storm of them does not hold up the messages of others", async () => {
    const { url, child } = await ServiceProcess.start();
    const auth = { presence: "diff" };
    const sender = await TestClient.connect(url, { auth });
    const receiver = await TestClient.connect(url, { auth });
    const crowd = await Promise.all(range(200).map(() => RawWebSocket.open(url)));
    for (const socket of crowd) socket.send(`40${JSON.stringify(auth)}`);
    await Promise.all(crowd.map((socket) => socket.waitFor("40")));
    const event = JSON.stringify([EVENTS.newPresenceInformation, presence("eve", "x".repeat(2_048))]);
    for (const socket of crowd) socket.send(`42${event}`);
    await until("all are present", async () => everyone(await announce(sender, "ana")).length === 201);

    for (const socket of crowd) socket.send(...range(4).map((id) => `42${String(id)}${event}`));
    let longestMs = 0;
    for (const message of numbers(10)) {
      const before = runningTimeMs(child.pid);
      sender.sendMessage(newMessage({ message }));
      await receiver.waitFor("/cooking");
      longestMs = Math.max(longestMs, runningTimeMs(child.pid) - before);
    }
    expect(longestMs).toBeLessThan(500);
  });
});

/** The time that the main thread of a process has spent on a processor: unlike the wall clock not longer on a busy machine. */
function runningTimeMs(pid: number | undefined): number {
  const [ns] = readFileSync(`/proc/${String(pid)}/schedstat`, "utf8").split(" ");
  return Number(ns) / 1e6;
}
