import { StorePause } from "../../src/messageLog/embedded/storePause";
import { StoreError } from "../../src/messageLog/messageLog";

function setUp() {
  const state = { nowMs: 1_000, isWriting: false, rollBacks: 0 };
  const pause = new StorePause({
    isWriting: () => state.isWriting,
    rollBack: () => (state.rollBacks += 1),
    now: () => state.nowMs,
  });
  return { state, pause };
}

test("without a failure there is no pause, even while the store writes", () => {
  const { state, pause } = setUp();
  state.isWriting = true;
  expect(pause.isActive).toBe(false);
  pause.beginAppend();
  expect(state.rollBacks).toBe(0);
});

test("after a failed write appends are refused for 500 ms", () => {
  const { state, pause } = setUp();
  pause.onFailedWrite();
  state.nowMs += 499;
  expect(pause.isActive).toBe(true);
  expect(() => pause.beginAppend()).toThrow(StoreError);
  state.nowMs += 1;
  expect(pause.isActive).toBe(false);
  pause.beginAppend();
});

test("the pause lasts while a write is under way, however long that takes", () => {
  const { state, pause } = setUp();
  pause.onFailedWrite();
  state.isWriting = true;
  state.nowMs += 60_000;
  expect(pause.isActive).toBe(true);
  expect(() => pause.beginAppend()).toThrow(StoreError);
  expect(state.rollBacks).toBe(0);
  state.isWriting = false;
  pause.beginAppend();
  expect(state.rollBacks).toBe(1);
});

test("a second failure prolongs the pause", () => {
  const { state, pause } = setUp();
  pause.onFailedWrite();
  state.nowMs += 400;
  pause.onFailedWrite();
  state.nowMs += 400;
  expect(() => pause.beginAppend()).toThrow(StoreError);
  state.nowMs += 100;
  pause.beginAppend();
});

test("the first append after the pause rolls back, and no later one does", () => {
  const { state, pause } = setUp();
  pause.onFailedWrite();
  state.nowMs += 500;
  expect(state.rollBacks).toBe(0);
  pause.beginAppend();
  state.isWriting = true;
  pause.beginAppend();
  expect(state.rollBacks).toBe(1);
  expect(pause.isActive).toBe(false);
});
