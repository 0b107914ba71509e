import { RoomScope } from "../../src/access/roomScope";
import type { Connection } from "../../src/connections/engine";
import type { SlowConsumers } from "../../src/connections/slowConsumers";
import { ByteBudget } from "../../src/delivery/presence/byteBudget";
import { MAX_WAITING_ANSWERS, PresenceAnswers } from "../../src/delivery/presence/presenceAnswers";
import { MemoryPresenceStore } from "../../src/presence/memoryPresenceStore";

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const SECOND_MS = 1_000;

/** A budget for one answer per second, and for as many at once as the burst holds, or one. */
function open({ burstBytes = 1 } = {}) {
  const store = new MemoryPresenceStore(["/a", "/b"]);
  store.start({ onChange: () => undefined, onNodeGone: () => undefined });
  const state = () => `{"usersPerRoom":${store.toJson()}}`;
  const bytesPerSecond = state().length;
  const behind = new Set<Connection>();
  const slowConsumers = { isBehind: (conn: Connection) => behind.has(conn) } as SlowConsumers;
  const answers = new PresenceAnswers(store, slowConsumers, new ByteBudget(bytesPerSecond, burstBytes));
  const answered: string[] = [];
  const ask = async (conn: Connection, name: string, rooms = RoomScope.ALL) => {
    const answer = await answers.answer(conn, rooms).catch((error: Error) => ({ text: error.message }));
    answered.push(`${name}: ${answer?.text ?? "dropped"}`);
  };
  const names = () => answered.map((line) => line.split(":")[0]);
  return { store, state, behind, answers, answered, ask, names };
}

const connection = () => ({}) as Connection;
const passMs = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test("with room in the budget the answer is there by the end of the turn", async () => {
  const { state, answered, ask } = open();
  void ask(connection(), "ana");
  await passMs(0);
  expect(answered).toEqual([`ana: ${state()}`]);
});

test("an answer that waited is the state at the time of the answer", async () => {
  const { store, state, answered, ask } = open();
  void ask(connection(), "ana");
  void ask(connection(), "bo");
  await passMs(0);
  store.put("1", { username: "cy", avatar: "" }, "/b");
  await passMs(2 * SECOND_MS);
  expect(state()).toContain("cy");
  expect(answered.slice(1)).toEqual([`bo: ${state()}`]);
});

test("connections take turns, whatever the number of answers that wait for each", async () => {
  const { ask, names } = open();
  const [a, b, c] = [connection(), connection(), connection()];
  for (const name of ["a1", "a2", "a3", "a4"]) void ask(a, name);
  for (const name of ["b1", "b2"]) void ask(b, name);
  void ask(c, "c1");
  await passMs(6 * SECOND_MS);
  expect(names()).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
});

test("a client sees the rooms of its scope only", async () => {
  const { store, answered, ask } = open();
  store.put("1", { username: "ana", avatar: "" }, "/a");
  store.put("2", { username: "bo", avatar: "" }, "/b");
  void ask(connection(), "ana", RoomScope.of(["/a"]));
  await passMs(0);
  expect(answered).toEqual(['ana: {"usersPerRoom":{"/a":[{"username":"ana","avatar":""}],"/b":[]}}']);
});

test("one round answers clients of different scopes each with their own rooms", async () => {
  const { store, answered, ask } = open({ burstBytes: 1_000 });
  store.put("1", { username: "ana", avatar: "" }, "/a");
  for (const room of ["/a", "/b"]) void ask(connection(), room, RoomScope.of([room]));
  await passMs(0);
  expect(answered.map((line) => line.includes("ana"))).toEqual([true, false]);
});

test("answers of a connection that leaves are dropped and cost nothing", async () => {
  const { answers, ask, names } = open();
  const [a, b] = [connection(), connection()];
  for (const name of ["a1", "a2", "a3", "a4"]) void ask(a, name);
  await passMs(0);
  void ask(b, "b1");
  answers.remove(a);
  await passMs(SECOND_MS);
  expect(names()).toEqual(["a1", "a2", "a3", "a4", "b1"]);
});

test("many answers for one connection are sent one per turn, so that the rest can wait once it is behind", async () => {
  const { behind, ask, names } = open({ burstBytes: 1e6 });
  const conn = connection();
  void ask(conn, "1").then(() => behind.add(conn));
  for (const name of ["2", "3"]) void ask(conn, name);
  await passMs(SECOND_MS);
  expect(names()).toEqual(["1"]);
  behind.clear();
  await passMs(SECOND_MS);
  expect(names()).toEqual(["1", "2", "3"]);
});

test("a client that is behind is answered once it has caught up, and does not delay others", async () => {
  const { behind, ask, names } = open();
  const [a, b] = [connection(), connection()];
  behind.add(a);
  void ask(a, "a");
  void ask(b, "b");
  await passMs(10);
  expect(names()).toEqual(["b"]);
  behind.delete(a);
  await passMs(SECOND_MS);
  expect(names()).toEqual(["b", "a"]);
});

test("a connection is full with 20 waiting answers, until one of them is sent", async () => {
  const { answers, ask } = open();
  const conn = connection();
  void ask(conn, "at once");
  await passMs(0);
  for (let i = 0; i < MAX_WAITING_ANSWERS; i += 1) {
    expect(answers.isFull(conn)).toBe(false);
    void ask(conn, String(i));
  }
  expect(answers.isFull(conn)).toBe(true);
  expect(answers.isFull(connection())).toBe(false);
  await passMs(SECOND_MS);
  expect(answers.isFull(conn)).toBe(false);
});

test("after stop what would wait is refused, and what has room is answered", async () => {
  const { state, answers, answered, ask } = open();
  const conn = connection();
  void ask(conn, "a");
  await passMs(0);
  for (const name of ["b", "c"]) void ask(conn, name);
  answers.stop();
  await passMs(0);
  const refused = "Too many requests";
  expect(answered).toEqual([`a: ${state()}`, `b: ${refused}`, `c: ${refused}`]);
  void ask(conn, "d");
  await passMs(SECOND_MS);
  void ask(conn, "e");
  await passMs(0);
  expect(answered.slice(3)).toEqual([`d: ${refused}`, `e: ${state()}`]);
});
