import { ByteBudget } from "../../src/delivery/presence/byteBudget";
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

test("past the budget changes coalesce, the bytes keep to it and the last state is exact", async () => {
  const burst = 20_000;
  const perSecond = 400_000;
  const { url } = await startService({
    PRESENCE_BYTES_PER_SECOND: String(perSecond),
    PRESENCE_BURST_BYTES: String(burst),
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
  // What is larger than the burst goes out whole once the bucket is empty: at most one snapshot too many.
  const largest =
    JSON.stringify({ username: "u00", avatar: "image link" }).length * clients.length ** 2 * 1.2;
  expect(bytes).toBeLessThan(burst + perSecond * seconds + largest);
  const uncoalesced = clients.length * clients.length * (clients.length / 2) * 40;
  expect(bytes).toBeLessThan(uncoalesced / 5);
});

test("clients that leave in a storm are all gone in the last state", async () => {
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
  const sawNobody = new Promise<void>((resolve) => {
    witness.socket.on(EVENTS.presenceInformation, (snapshot: Snapshot) => {
      if (everyone(snapshot).length === 0) resolve();
    });
  });
  clients.forEach((client) => client.disconnect());
  await sawNobody;
});

test("the budget lets the burst through at once and the rest at its rate", () => {
  const budget = new ByteBudget(1_000, 500);
  expect(budget.spend(400)).toBe(0);
  expect(budget.spend(100)).toBe(0);
  const wait = budget.spend(100);
  expect(wait).toBeGreaterThan(90);
  expect(wait).toBeLessThanOrEqual(100);
});

test("what is larger than the whole burst waits for an empty bucket, not for ever", () => {
  const budget = new ByteBudget(1_000, 500);
  expect(budget.spend(5_000)).toBe(0);
  const wait = budget.spend(5_000);
  expect(wait).toBeGreaterThan(4_900);
  expect(wait).toBeLessThanOrEqual(5_000);
});

test("however long it would take, the wait is one that a timer can hold", () => {
  const budget = new ByteBudget(1, 1);
  expect(budget.spend(1e15)).toBe(0);
  expect(budget.spend(1)).toBe(60_000);
});
