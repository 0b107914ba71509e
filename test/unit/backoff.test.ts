import { backoffMs } from "../../src/client/backoff";

const BACKOFF = { firstMs: 200, maxMs: 1_000 };
const FAILURES = [1, 2, 3, 4, 50];

function delays(random: number): number[] {
  jest.spyOn(Math, "random").mockReturnValue(random);
  return FAILURES.map((failures) => backoffMs(BACKOFF, failures));
}

afterEach(() => jest.restoreAllMocks());

test("the delay doubles with each failure up to the maximum", () => {
  expect(delays(1)).toEqual([200, 400, 800, 1_000, 1_000]);
});

test("jitter takes off at most half of the delay", () => {
  expect(delays(0)).toEqual([100, 200, 400, 500, 500]);
});

test("without a failure the delay is that of the first one", () => {
  jest.spyOn(Math, "random").mockReturnValue(1);
  expect(backoffMs(BACKOFF, 0)).toBe(200);
});
