type Dispose = () => unknown;

const pending: Dispose[] = [];

/** Runs after the current test, last registered first, whether the test passed or not. */
export function afterThisTest(dispose: Dispose): void {
  pending.push(dispose);
}

afterEach(async () => {
  for (let dispose = pending.pop(); dispose !== undefined; dispose = pending.pop()) await dispose();
});
