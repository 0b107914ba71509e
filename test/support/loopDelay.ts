import { afterThisTest } from "./disposal";
import { startStopwatch } from "./stopwatch";

const CHECK_INTERVAL_MS = 5;

/**
 * Starts to measure how long the event loop of this process is held up; the function that it returns gives the
 * longest time so far in ms, as a stopwatch measures it.
 */
export function measureLoopDelay(): () => number {
  let longestMs = 0;
  let elapsedMs = startStopwatch();
  const check = () => {
    longestMs = Math.max(longestMs, elapsedMs() - CHECK_INTERVAL_MS);
    elapsedMs = startStopwatch();
  };
  const timer = setInterval(check, CHECK_INTERVAL_MS);
  afterThisTest(() => clearInterval(timer));
  return () => {
    check();
    return longestMs;
  };
}
