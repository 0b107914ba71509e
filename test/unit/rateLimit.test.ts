import { RateLimit } from "../../src/access/rateLimit";
import { REFUSALS } from "../../src/protocol/refusals";

const { message, status } = REFUSALS.tooManyRequests;

test("a burst passes, and the next event is refused", () => {
  const limit = new RateLimit(2, 3, () => 0);
  for (let i = 0; i < 3; i += 1) limit.consume("a");
  expect(() => limit.consume("a")).toThrow(expect.objectContaining({ message, status }));
});

test("the next burst passes burst / perSecond seconds after the first event", () => {
  let now = 0;
  const limit = new RateLimit(2, 3, () => now);
  for (let i = 0; i < 3; i += 1) limit.consume("a");
  now = 1_499;
  expect(() => limit.consume("a")).toThrow(message);
  now = 1_500;
  for (let i = 0; i < 3; i += 1) limit.consume("a");
  expect(() => limit.consume("a")).toThrow(message);
});

test("keys do not share a burst", () => {
  const limit = new RateLimit(1, 1, () => 0);
  limit.consume("a");
  expect(() => limit.consume("b")).not.toThrow();
});

test("a forgotten key has its whole burst again", () => {
  const limit = new RateLimit(1, 1, () => 0);
  limit.consume("a");
  limit.forget("a");
  expect(() => limit.consume("a")).not.toThrow();
});

test("0 per second is no limit", () => {
  const limit = new RateLimit(0, 1, () => 0);
  limit.consume("a");
  expect(() => limit.consume("a")).not.toThrow();
});

test("a refusal is built once, because a flood costs one for each event", () => {
  const limit = new RateLimit(1, 1, () => 0);
  limit.consume("a");
  const refusals = [1, 2].map(() => {
    try {
      limit.consume("a");
    } catch (refusal) {
      return refusal;
    }
  });
  expect(refusals[0]).toMatchObject({ message, status });
  expect(refusals[0]).toBe(refusals[1]);
});
