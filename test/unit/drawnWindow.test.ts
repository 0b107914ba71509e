import { DrawnWindow, STEP } from "../../src/web/drawnWindow";

const SIZE = 120;

function windowAtEnd(length: number): DrawnWindow {
  const drawn = new DrawnWindow();
  drawn.moveToEnd(length);
  return drawn;
}

const range = ({ start, end }: DrawnWindow) => [start, end];

test("a short timeline is drawn as a whole", () => {
  expect(range(windowAtEnd(0))).toEqual([0, 0]);
  expect(range(windowAtEnd(50))).toEqual([0, 50]);
});

test("of a long timeline the newest entries are drawn", () => {
  expect(range(windowAtEnd(1_000))).toEqual([1_000 - SIZE, 1_000]);
});

test("the window moves by steps and stops at both ends", () => {
  const drawn = windowAtEnd(200);
  drawn.shiftBy(-STEP, 200);
  expect(range(drawn)).toEqual([40, 160]);
  drawn.shiftBy(-10 * STEP, 200);
  expect(range(drawn)).toEqual([0, 120]);
  drawn.shiftBy(STEP, 200);
  expect(range(drawn)).toEqual([40, 160]);
  drawn.shiftBy(10 * STEP, 200);
  expect(range(drawn)).toEqual([80, 200]);
});

test("in a timeline shorter than the window a move changes nothing", () => {
  const drawn = windowAtEnd(50);
  drawn.shiftBy(-STEP, 50);
  drawn.shiftBy(STEP, 50);
  expect(range(drawn)).toEqual([0, 50]);
});

test("when older entries are inserted, one step of them comes into the window", () => {
  const drawn = windowAtEnd(100);
  drawn.shiftBy(100 - STEP, 200);
  expect(range(drawn)).toEqual([60, 180]); // the oldest entry of before is now number 100
});

test("the window grows at its end by one step before it loses entries at its beginning", () => {
  const drawn = windowAtEnd(SIZE);
  for (let length = SIZE + 1; length <= SIZE + STEP; length += 1) drawn.grow(length, 0);
  expect(range(drawn)).toEqual([0, SIZE + STEP]);
  drawn.grow(SIZE + STEP + 1, 0);
  expect(range(drawn)).toEqual([1, SIZE + STEP + 1]);
});

test("a burst of new entries leaves no more than the window and one step", () => {
  const drawn = windowAtEnd(100);
  drawn.grow(5_000, 0);
  expect(range(drawn)).toEqual([5_000 - SIZE - STEP, 5_000]);
});

test("when the oldest entries are forgotten, the same entries stay in the window", () => {
  const drawn = windowAtEnd(3_000);
  drawn.grow(1_000, 2_001); // 3,000 entries, one new one, 2,001 forgotten
  expect(range(drawn)).toEqual([2_880 - 2_001, 1_000]);
});

test("entries that were forgotten leave the window", () => {
  const drawn = windowAtEnd(100);
  drawn.grow(30, 71);
  expect(range(drawn)).toEqual([0, 30]);
});

test("when entries are removed at the end, the window does not reach beyond it", () => {
  const drawn = windowAtEnd(200);
  drawn.clampTo(199);
  expect(range(drawn)).toEqual([80, 199]);
  drawn.clampTo(300);
  expect(range(drawn)).toEqual([80, 199]);
});
