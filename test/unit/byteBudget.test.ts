import { ByteBudget } from "../../src/delivery/presence/byteBudget";
import type { GroupPacket } from "../../src/delivery/presence/presenceGroups";

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** A budget of 1,000 bytes a second and 500 at once. */
function open({ bytesPerSecond = 1_000, burstBytes = 500 } = {}): ByteBudget {
  return new ByteBudget(bytesPerSecond, burstBytes);
}

const passMs = (ms: number) => jest.advanceTimersByTime(ms);

test("the burst passes at once, and the rest has to wait", () => {
  const budget = open();
  expect(budget.spend(400)).toBe(0);
  expect(budget.spend(100)).toBe(0);
  expect(budget.spend(100)).toBe(100);
});

test("after the returned wait there is room, and not 1 ms before", () => {
  const budget = open();
  budget.spend(500);
  const waitMs = budget.spend(300);
  passMs(waitMs - 1);
  expect(budget.spend(300)).toBe(1);
  passMs(1);
  expect(budget.spend(300)).toBe(0);
});

test("a refused attempt spends nothing", () => {
  const budget = open();
  budget.spend(500);
  expect([budget.spend(200), budget.spend(200), budget.spend(100)]).toEqual([200, 200, 100]);
});

test("something larger than the burst passes when the bucket is empty", () => {
  const budget = open();
  expect(budget.spend(5_000)).toBe(0);
  expect(budget.spend(5_000)).toBe(5_000);
  passMs(5_000);
  expect(budget.spend(5_000)).toBe(0);
});

test("a pause never saves up more than the burst", () => {
  const budget = open();
  passMs(3_600_000);
  expect(budget.spend(500)).toBe(0);
  expect(budget.spend(1)).toBe(1);
});

test("the average keeps to the rate, whatever the sizes", () => {
  const budget = open();
  const start = performance.now();
  let spent = 0;
  for (let i = 0; i < 1_000; i += 1) {
    const bytes = (i * 37) % 900;
    for (let waitMs; (waitMs = budget.spend(bytes)) > 0;) passMs(waitMs);
    spent += bytes;
  }
  const allowed = 500 + (performance.now() - start); // 1 byte per ms
  expect(spent).toBeLessThanOrEqual(allowed + 900);
  expect(spent).toBeGreaterThan(allowed * 0.95);
});

test("nothing costs nothing", () => {
  const budget = open();
  budget.spend(500);
  expect(budget.spend(0)).toBe(0);
});

test("the wait is one that a timer can hold", () => {
  const budget = open({ bytesPerSecond: 1, burstBytes: 1 });
  expect(budget.spend(1e15)).toBe(0);
  expect(budget.spend(1)).toBe(60_000);
});

const packetFor = (size: number, packet: string) => ({ packet, audience: { size } }) as GroupPacket;

/** Sends through a budget of 1,000 bytes a second and 500 at once; `retry` tries to send `next`. */
function openSender() {
  const sent: string[] = [];
  const state = { next: "" };
  const budget = open();
  const send = (text = state.next) => {
    const mayPass = budget.admit([packetFor(1, text)], () => send());
    if (mayPass) sent.push(text);
    return mayPass;
  };
  return { budget, send, sent, state };
}

test("packets pass while there is room", () => {
  const { budget, send } = openSender();
  expect([send("a".repeat(200)), send("b".repeat(300))]).toEqual([true, true]);
  expect(budget.isWaiting).toBe(false);
});

test("the size is bytes, not characters, over all receivers and packets", () => {
  const budget = open();
  expect(budget.admit([packetFor(4, "é".repeat(50)), packetFor(100, "x")], jest.fn())).toBe(true); // 400 and 100
  expect(budget.admit([packetFor(1, "x")], jest.fn())).toBe(false);
  budget.stop();
});

test("without room it calls back when there is room, and the state of that moment is sent", () => {
  const { budget, send, sent, state } = openSender();
  send("first".padEnd(500));
  expect(send("old".padEnd(300))).toBe(false);
  expect(budget.isWaiting).toBe(true);
  state.next = "new";
  jest.advanceTimersByTime(299);
  expect(sent).toHaveLength(1);
  jest.advanceTimersByTime(1);
  expect(sent).toEqual(["first".padEnd(500), "new"]);
  expect(budget.isWaiting).toBe(false);
});

test("a state that has grown meanwhile waits again", () => {
  const { send, sent, state } = openSender();
  send("x".repeat(500));
  send("x".repeat(100));
  state.next = "y".repeat(200);
  jest.advanceTimersByTime(100);
  expect(sent).toHaveLength(1);
  jest.advanceTimersByTime(100);
  expect(sent.at(-1)).toBe(state.next);
});

test("after stop it does not call back", () => {
  const { budget, send, sent } = openSender();
  send("x".repeat(500));
  send("x");
  budget.stop();
  jest.advanceTimersByTime(60_000);
  expect(sent).toHaveLength(1);
});
