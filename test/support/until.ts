const TIMEOUT_MS = 10_000; // only a failing test waits so long
const CHECK_INTERVAL_MS = 5;

/** Polls until the condition holds. For state that emits no event, for example in another process. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > timeoutMs)
      throw new Error(`after ${String(timeoutMs)} ms it is not true that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, CHECK_INTERVAL_MS));
  }
}
