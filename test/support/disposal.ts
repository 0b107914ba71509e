type Dispose = () => unknown;

const pending: Dispose[] = [];

/** Runs after the current test, last registered first, whether the test passed or not. */
export function afterThisTest(dispose: Dispose): void {
  pending.push(dispose);
}

/** For programs that run without Jest: they say themselves when they are done. */
export async function disposeOfAll(): Promise<void> {
  for (let dispose = pending.pop(); dispose !== undefined; dispose = pending.pop()) await dispose();
}

if ("afterEach" in globalThis) afterEach(disposeOfAll);
