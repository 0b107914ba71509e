import { startStopwatch } from "../support/stopwatch";

const MEASURED_MS = 100;
const TOLERANCE_MS = 20;

test("a stopwatch counts the time for which a program computes", () => {
  const elapsedMs = startStopwatch();
  const before = process.cpuUsage();
  const usedMs = () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  while (usedMs() < MEASURED_MS);
  expect(elapsedMs()).toBeGreaterThan(MEASURED_MS - TOLERANCE_MS);
});

test("a stopwatch counts the time for which a program sleeps", async () => {
  const elapsedMs = startStopwatch();
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
  expect(elapsedMs()).toBeGreaterThan(MEASURED_MS - TOLERANCE_MS);
});
