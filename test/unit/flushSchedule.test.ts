import { FlushSchedule } from "../../src/delivery/flushSchedule";

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** A schedule whose flushes take so long, by a clock that only they move. */
function setUp(flushMs = 0) {
  let now = 0;
  jest.spyOn(performance, "now").mockImplementation(() => now);
  const flush = jest.fn(() => (now += flushMs));
  return { flush, schedule: new FlushSchedule(flush) };
}

/** Lets one turn of the event loop pass. */
function passTurn(): void {
  jest.advanceTimersByTime(0);
}

/** As `setUp`, after a first flush, so that its cost is known, and with more about to be published. */
function setUpExpectingMore(flushMs: number) {
  const { flush, schedule } = setUp(flushMs);
  schedule.flushNow();
  schedule.expectMore(true);
  flush.mockClear();
  return { flush, schedule };
}

test("flushes at the end of the turn, once for all its requests", () => {
  const { flush, schedule } = setUp();
  schedule.request();
  schedule.request();
  expect(flush).not.toHaveBeenCalled();
  passTurn();
  expect(flush).toHaveBeenCalledTimes(1);
});

test("flushes in each turn that has a request, and in no other", () => {
  const { flush, schedule } = setUp();
  for (let turn = 1; turn <= 3; turn += 1) {
    schedule.request();
    passTurn();
    passTurn();
    expect(flush).toHaveBeenCalledTimes(turn);
  }
});

test("flushNow does not wait", () => {
  const { flush, schedule } = setUp();
  schedule.flushNow();
  expect(flush).toHaveBeenCalledTimes(1);
});

test("holds a costly flush for 5 ms when more is coming", () => {
  const { flush, schedule } = setUpExpectingMore(2);
  schedule.request();
  passTurn();
  jest.advanceTimersByTime(4);
  expect(flush).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(flush).toHaveBeenCalledTimes(1);
});

test("a held flush comes with the next request, and no second time when the 5 ms are over", () => {
  const { flush, schedule } = setUpExpectingMore(2);
  schedule.request();
  passTurn();
  schedule.request();
  passTurn();
  expect(flush).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(10);
  expect(flush).toHaveBeenCalledTimes(1);
});

test("flushNow ends a hold", () => {
  const { flush, schedule } = setUpExpectingMore(2);
  schedule.request();
  passTurn();
  schedule.flushNow();
  jest.advanceTimersByTime(10);
  expect(flush).toHaveBeenCalledTimes(1);
});

test("holds again after a held flush", () => {
  const { flush, schedule } = setUpExpectingMore(2);
  for (let round = 1; round <= 3; round += 1) {
    schedule.request();
    passTurn();
    expect(flush).toHaveBeenCalledTimes(round - 1);
    jest.advanceTimersByTime(5);
    expect(flush).toHaveBeenCalledTimes(round);
  }
});

test("does not hold a flush of up to 1 ms", () => {
  const { flush, schedule } = setUpExpectingMore(1);
  schedule.request();
  passTurn();
  expect(flush).toHaveBeenCalledTimes(1);
});

test("does not hold a flush when nothing more is coming", () => {
  const { flush, schedule } = setUpExpectingMore(2);
  schedule.expectMore(false);
  schedule.request();
  passTurn();
  expect(flush).toHaveBeenCalledTimes(1);
});
