import { Random } from "../support/random";

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

test("the same seed gives the same numbers", () => {
  expect(draw(new Random(7), 100)).toEqual(draw(new Random(7), 100));
});

test("another seed gives other numbers", () => {
  expect(draw(new Random(7), 100)).not.toEqual(draw(new Random(8), 100));
});

test("the seed that was drawn at random repeats the numbers", () => {
  const random = new Random();
  expect(draw(new Random(random.seed), 10)).toEqual(draw(random, 10));
});

test("numbers lie in [0, 1) and are spread over it", () => {
  const numbers = draw(new Random(1), 10_000);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  expect(mean).toBeCloseTo(0.5, 1);
});

test("between returns both bounds and nothing outside", () => {
  const random = new Random(1);
  const drawn = new Set(Array.from({ length: 1_000 }, () => random.between(-1, 2)));
  expect([...drawn].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
});

test("pick returns every item of a list sooner or later", () => {
  const random = new Random(1);
  expect(new Set(Array.from({ length: 100 }, () => random.pick(["a", "b", "c"]))).size).toBe(3);
});

test("pick throws for an empty list", () => {
  expect(() => new Random(1).pick([])).toThrow("nothing to pick from");
});
