const DEADLINE = 10_000; // ms; only a failing test gets there
const LOOK_AGAIN = 5; // ms

/** Resolves once the condition holds; for state that emits no event, e.g. another process's memory. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadline = DEADLINE,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > deadline)
      throw new Error(`waited ${String(deadline)} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
}
