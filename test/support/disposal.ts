type Dispose = () => unknown;

const pending: Dispose[] = [];

/** Registers what runs after the current test, also when the test failed. The last one registered runs first. */
export function afterThisTest(dispose: Dispose): void {
  pending.push(dispose);
}

/** Runs what is registered. Programs that run without Jest call this at their end. */
export async function disposeOfAll(): Promise<void> {
  for (let dispose = pending.pop(); dispose !== undefined; dispose = pending.pop()) await dispose();
}

if ("afterEach" in globalThis) afterEach(disposeOfAll);
