import { EventEmitter } from "node:events";
import { atExpiry } from "../../src/connections/expiry";
import type { Connection } from "../../src/connections/engine";

const HUNDRED_YEARS_MS = 100 * 365 * 86_400_000;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function watch(expiresAt: number): { conn: EventEmitter; onExpired: jest.Mock } {
  const conn = new EventEmitter();
  const onExpired = jest.fn();
  atExpiry(conn as unknown as Connection, expiresAt, onExpired);
  return { conn, onExpired };
}

test("it calls back at the expiry, once", () => {
  const { onExpired } = watch(performance.now() + 5_000);
  jest.advanceTimersByTime(4_999);
  expect(onExpired).not.toHaveBeenCalled();
  jest.advanceTimersByTime(60_000);
  expect(onExpired).toHaveBeenCalledTimes(1);
});

test("a step of the wall clock, back or forward, does not move the expiry", () => {
  const { onExpired } = watch(performance.now() + 5_000);
  jest.setSystemTime(Date.now() + HUNDRED_YEARS_MS);
  jest.advanceTimersByTime(4_999);
  expect(onExpired).not.toHaveBeenCalled();
  jest.setSystemTime(0);
  jest.advanceTimersByTime(1);
  expect(onExpired).toHaveBeenCalledTimes(1);
});

test("it calls back at once for a token that has expired", () => {
  expect(watch(performance.now() - 1).onExpired).toHaveBeenCalledTimes(1);
});

test("an expiry in a hundred years, longer than any timer, comes in a hundred years", () => {
  const { onExpired } = watch(performance.now() + HUNDRED_YEARS_MS);
  jest.advanceTimersByTime(HUNDRED_YEARS_MS - 1);
  expect(onExpired).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(onExpired).toHaveBeenCalledTimes(1);
});

test("a closed connection leaves no timer", () => {
  const { conn, onExpired } = watch(performance.now() + 5_000);
  conn.emit("close");
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(10_000);
  expect(onExpired).not.toHaveBeenCalled();
});

test("a token without an expiry needs no timer", () => {
  watch(Infinity);
  expect(jest.getTimerCount()).toBe(0);
});
