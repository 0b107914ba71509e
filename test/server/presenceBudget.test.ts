import { EVENTS } from "../../src/protocol/events";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";

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
