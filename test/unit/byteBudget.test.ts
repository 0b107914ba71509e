import { ByteBudget } from "../../src/delivery/presence/byteBudget";

/** A budget of 1,000 bytes a second and 500 at once, with a clock that the test moves. */
function open({ bytesPerSecond = 1_000, burstBytes = 500 } = {}) {
  const clock = { now: 7 };
  return { clock, budget: new ByteBudget(bytesPerSecond, burstBytes, () => clock.now) };
}

test("the burst passes at once, and the rest has to wait", () => {
  const { budget } = open();
  expect(budget.spend(400)).toBe(0);
  expect(budget.spend(100)).toBe(0);
  expect(budget.spend(100)).toBe(100);
});

test("after the returned wait there is room, and not 1 ms before", () => {
  const { budget, clock } = open();
  budget.spend(500);
  const waitMs = budget.spend(300);
  clock.now += waitMs - 1;
  expect(budget.spend(300)).toBe(1);
  clock.now += 1;
  expect(budget.spend(300)).toBe(0);
});

test("a refused attempt spends nothing", () => {
  const { budget } = open();
  budget.spend(500);
  expect([budget.spend(200), budget.spend(200), budget.spend(100)]).toEqual([200, 200, 100]);
});

test("something larger than the burst passes when the bucket is empty", () => {
  const { budget, clock } = open();
  expect(budget.spend(5_000)).toBe(0);
  expect(budget.spend(5_000)).toBe(5_000);
  clock.now += 5_000;
  expect(budget.spend(5_000)).toBe(0);
});

test("a pause never saves up more than the burst", () => {
  const { budget, clock } = open();
  clock.now += 3_600_000;
  expect(budget.spend(500)).toBe(0);
  expect(budget.spend(1)).toBe(1);
});

test("the average keeps to the rate, whatever the sizes", () => {
  const { budget, clock } = open();
  const start = clock.now;
  let spent = 0;
  for (let i = 0; i < 1_000; i += 1) {
    const bytes = (i * 37) % 900;
    for (let waitMs; (waitMs = budget.spend(bytes)) > 0;) clock.now += waitMs;
    spent += bytes;
  }
  const allowed = 500 + (clock.now - start); // 1 byte per ms
  expect(spent).toBeLessThanOrEqual(allowed + 900);
  expect(spent).toBeGreaterThan(allowed * 0.95);
});

test("nothing costs nothing", () => {
  const { budget } = open();
  budget.spend(500);
  expect(budget.spend(0)).toBe(0);
});

test("the wait is one that a timer can hold", () => {
  const { budget } = open({ bytesPerSecond: 1, burstBytes: 1 });
  expect(budget.spend(1e15)).toBe(0);
  expect(budget.spend(1)).toBe(60_000);
});
