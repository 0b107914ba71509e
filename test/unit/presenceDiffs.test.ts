import { RoomScope } from "../../src/access/roomScope";
import type { Connection } from "../../src/connections/engine";
import { FanOut } from "../../src/delivery/fanOut";
import { ByteBudget } from "../../src/delivery/presence/byteBudget";
import { PresenceDiffs } from "../../src/delivery/presence/presenceDiffs";
import { Metrics } from "../../src/observability/metrics";
import { MemoryPresenceStore } from "../../src/presence/memoryPresenceStore";

/** A connection over long polling that keeps the events that are written to it. */
class Conn {
  readonly events: unknown[] = [];
  readonly readyState = "open";
  readonly transport = { name: "polling" };
  onWrite: () => void = () => undefined;

  write(packet: string): void {
    this.events.push(JSON.parse(packet.slice(1)) as unknown);
    this.onWrite();
  }

  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

const user = (username: string) => ({ username, avatar: "" });
const data = (event: string, content: unknown) => [event, { data: content, error: null }];
const state = (...users: [id: string, username: string][]) =>
  data("presence_state", { usersPerRoom: { "/a": users.map(([id, name]) => ({ id, ...user(name) })) } });
const joined = (id: string, username: string) =>
  data("presence_diff", { joined: { "/a": [{ id, ...user(username) }] }, left: {} });
const left = (id: string) => data("presence_diff", { joined: {}, left: { "/a": [id] } });

function open() {
  const store = new MemoryPresenceStore(["/a"]);
  const metrics = new Metrics();
  const budget = new ByteBudget(1e9, 1e9);
  const diffs = new PresenceDiffs(store, new FanOut(metrics), budget);
  store.start({ onChange: (changes) => diffs.onChanges(changes), onNodeGone: () => undefined });
  const join = () => {
    const conn = new Conn();
    diffs.add(conn.asConnection, RoomScope.ALL);
    return conn;
  };
  return { store, diffs, join };
}

/** Resolves after everything that is scheduled for the end of this turn of the event loop. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("a newcomer receives the state, then diffs", async () => {
  const { store, join } = open();
  store.put("1", user("ana"), "/a");
  const conn = join();
  await turn();
  store.put("2", user("bo"), "/a");
  store.remove("1");
  await turn();
  const both = { joined: { "/a": [{ id: "2", ...user("bo") }] }, left: { "/a": ["1"] } };
  expect(conn.events).toEqual([state(["1", "ana"]), data("presence_diff", both)]);
});

test("a newcomer does not receive the diff of changes that its state includes", async () => {
  const { store, join } = open();
  const first = join();
  await turn();
  store.put("1", user("ana"), "/a");
  const second = join();
  await turn();
  expect(first.events).toEqual([state(), joined("1", "ana")]);
  expect(second.events).toEqual([state(["1", "ana"])]);
});

test("a change that a write causes is part of the next diff", async () => {
  const { store, join } = open();
  const [first, second] = [join(), join()];
  await turn();
  store.put("1", user("ana"), "/a");
  first.onWrite = () => store.remove("1");
  await turn();
  await turn();
  for (const { events } of [first, second]) expect(events).toEqual([state(), joined("1", "ana"), left("1")]);
});

test("a connection that closes while newcomers receive their state receives nothing more", async () => {
  const { store, diffs, join } = open();
  const conns = [join(), join(), join()];
  const [first, second, third] = conns as [Conn, Conn, Conn];
  first.onWrite = () => {
    diffs.remove(first.asConnection);
    diffs.remove(second.asConnection);
  };
  await turn();
  store.put("1", user("ana"), "/a");
  await turn();
  expect(conns.map(({ events }) => events.length)).toEqual([1, 0, 2]);
  expect(third.events).toEqual([state(), joined("1", "ana")]);
});
