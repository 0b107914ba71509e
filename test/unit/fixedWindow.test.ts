import { FixedWindow } from "../../src/observability/fixedWindow";

const WINDOW_MS = 1_000;

function windowAt(start = 0): { window: FixedWindow<string>; moveTo: (ms: number) => void } {
  let now = start;
  return { window: new FixedWindow(WINDOW_MS, () => now), moveTo: (ms) => (now = ms) };
}

test("events of a key are counted from 1 within its window", () => {
  const { window, moveTo } = windowAt();
  expect([window.count("a"), window.count("a")]).toEqual([1, 2]);
  moveTo(WINDOW_MS - 1);
  expect(window.count("a")).toBe(3);
});

test("a window opens with the first event of its key, not with a second of the clock", () => {
  const { window, moveTo } = windowAt(300);
  moveTo(900);
  window.count("a");
  moveTo(900 + WINDOW_MS - 1);
  expect(window.count("a")).toBe(2);
  moveTo(900 + WINDOW_MS);
  expect(window.count("a")).toBe(1);
});

test("a window that was open when the generations rotated still ends on time", () => {
  const { window, moveTo } = windowAt();
  moveTo(600);
  window.count("a");
  moveTo(1_100); // rotates
  window.count("b");
  expect(window.count("a")).toBe(2);
  moveTo(1_600);
  expect(window.count("a")).toBe(1);
});

test("keys have windows of their own", () => {
  const { window } = windowAt();
  window.count("a");
  expect(window.count("b")).toBe(1);
});

test("a forgotten key starts again at 1", () => {
  const { window } = windowAt();
  window.count("a");
  window.forget("a");
  expect(window.count("a")).toBe(1);
});

test("after a long pause every count starts again", () => {
  const { window, moveTo } = windowAt();
  window.count("a");
  moveTo(100 * WINDOW_MS);
  expect(window.count("a")).toBe(1);
});

test("of very many keys within one window only the latest are remembered", () => {
  const { window } = windowAt();
  window.count("first");
  for (let i = 0; i < 200_000; i += 1) window.count(String(i));
  expect(window.count("199999")).toBe(2);
  expect(window.count("first")).toBe(1);
});
