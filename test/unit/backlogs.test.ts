import { Backlog, STALL_TIMEOUT_MS } from "../../src/connections/slowConsumers";

describe("on websocket", () => {
  const backlog = () => new Backlog(false, 0);

  test("every queued byte counts until the queue is flushed", () => {
    const it = backlog();
    it.onQueued(10, 0);
    it.onQueued(20, 0);
    expect([it.queuedBytes, it.excessBytes]).toEqual([30, 30]);
    it.onFlushed(0);
    expect([it.queuedBytes, it.excessBytes]).toEqual([0, 0]);
  });

  test("a write that does not end is a stall, with or without a queue behind it", () => {
    const it = backlog();
    it.onFlushed(100);
    expect(it.isStalled(100 + STALL_TIMEOUT_MS, true)).toBe(false);
    expect(it.isStalled(101 + STALL_TIMEOUT_MS, true)).toBe(true);
  });

  test("packets that queue behind the write do not prolong its time", () => {
    const it = backlog();
    it.onQueued(10, 5_000);
    expect(it.isStalled(1 + STALL_TIMEOUT_MS, true)).toBe(true);
  });

  test("a connection that writes nothing never stalls", () => {
    expect(backlog().isStalled(100 * STALL_TIMEOUT_MS, false)).toBe(false);
  });

  test("what was queued before an upgrade still counts, and the time of the write begins with the upgrade", () => {
    const it = new Backlog(true, 0);
    it.onQueued(7, 0);
    it.onUpgraded(5_000);
    expect([it.queuedBytes, it.excessBytes]).toEqual([7, 7]);
    expect(it.isStalled(5_000 + STALL_TIMEOUT_MS, true)).toBe(false);
    expect(it.isStalled(5_001 + STALL_TIMEOUT_MS, true)).toBe(true);
  });
});

describe("on long polling", () => {
  const backlog = () => new Backlog(true, 0);

  test("the largest packet does not count against the limit", () => {
    const it = backlog();
    for (const bytes of [10, 500, 20]) it.onQueued(bytes, 0);
    expect([it.queuedBytes, it.excessBytes]).toEqual([530, 30]);
    it.onFlushed(0);
    it.onQueued(40, 0);
    expect([it.queuedBytes, it.excessBytes]).toEqual([40, 0]);
  });

  test("a packet that no poll fetches is a stall; the time counts from the first", () => {
    const it = backlog();
    it.onQueued(10, 5_000);
    it.onQueued(10, 9_000);
    expect(it.isStalled(5_000 + STALL_TIMEOUT_MS, true)).toBe(false);
    expect(it.isStalled(5_001 + STALL_TIMEOUT_MS, true)).toBe(true);
  });

  test("a ping, which has no data, is no stall", () => {
    const it = backlog();
    it.onQueued(0, 0);
    expect(it.isStalled(100 * STALL_TIMEOUT_MS, true)).toBe(false);
    it.onQueued(10, 5_000);
    expect(it.isStalled(5_000 + STALL_TIMEOUT_MS, true)).toBe(false);
    expect(it.isStalled(5_001 + STALL_TIMEOUT_MS, true)).toBe(true);
  });

  test("a client without a poll does not stall while nothing waits for it", () => {
    const it = backlog();
    it.onQueued(10, 0);
    it.onFlushed(0);
    expect(it.isStalled(100 * STALL_TIMEOUT_MS, true)).toBe(false);
  });
});
