import { FairQueue } from "../../src/access/fairQueue";

/** A task that ends when the test says so. */
function controlled(name: string, started: string[]) {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const task = async () => {
    started.push(name);
    await ended;
    return name;
  };
  return { task, end };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await nextTurn();
}

test("at most the given number of tasks run at a time", async () => {
  const queue = new FairQueue(2);
  const started: string[] = [];
  const tasks = ["1", "2", "3"].map((name) => controlled(name, started));
  const results = tasks.map(({ task }, i) => queue.run(`key ${String(i)}`, task));
  await turns(3);
  expect(started).toEqual(["1", "2"]);
  tasks[0]?.end();
  await turns(3);
  expect(started).toEqual(["1", "2", "3"]);
  for (const { end } of tasks) end();
  await expect(Promise.all(results)).resolves.toEqual(["1", "2", "3"]);
});

test("keys take turns, whatever number of tasks each has waiting", async () => {
  const queue = new FairQueue(1);
  const started: string[] = [];
  const run = (key: string, name: string) =>
    queue.run(key, () => {
      started.push(name);
      return Promise.resolve();
    });
  await Promise.all([
    ...["a1", "a2", "a3"].map((name) => run("a", name)),
    ...["b1", "b2"].map((name) => run("b", name)),
    run("c", "c1"),
  ]);
  expect(started).toEqual(["a1", "a2", "b1", "c1", "a3", "b2"]);
});

test("at most that many tasks start in one turn of the event loop, and none in the turn of the call", async () => {
  const queue = new FairQueue(2);
  const startedPerTurn: number[] = [];
  let started = 0;
  const run = () =>
    queue.run("key", () => {
      started += 1;
      return Promise.resolve();
    });
  const results = Promise.all(Array.from({ length: 6 }, run));
  expect(started).toBe(0);
  while (started < 6) {
    const before = started;
    await nextTurn();
    startedPerTurn.push(started - before);
  }
  await results;
  expect(Math.max(...startedPerTurn)).toBe(2);
});

test("a task that rejects makes room for the next", async () => {
  const queue = new FairQueue(1);
  const failing = queue.run("key", () => Promise.reject(new Error("failed")));
  const next = queue.run("key", () => Promise.resolve("next"));
  await expect(failing).rejects.toThrow("failed");
  await expect(next).resolves.toBe("next");
});
