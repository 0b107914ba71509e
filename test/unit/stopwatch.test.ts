import { startStopwatch } from "../support/stopwatch";

const SLEEP_MS = 100;
const TOLERANCE_MS = 20;

test("a stopwatch counts the time for which a program does nothing, as in a real stall", async () => {
  const elapsedMs = startStopwatch();
  await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
  expect(elapsedMs()).toBeGreaterThan(SLEEP_MS - TOLERANCE_MS);
});

test("a stopwatch never counts more than the time that passed", async () => {
  const start = performance.now();
  const elapsedMs = startStopwatch();
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(elapsedMs()).toBeLessThanOrEqual(performance.now() - start);
});
