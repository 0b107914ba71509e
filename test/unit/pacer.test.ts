import { ByteBudget } from "../../src/delivery/presence/byteBudget";
import { Pacer } from "../../src/delivery/presence/pacer";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A pacer with 1,000 bytes a second and 500 at once; `retry` tries to send `next`. */
function open() {
  const sent: string[] = [];
  const state = { next: "" };
  const pacer: Pacer = new Pacer(new ByteBudget(1_000, 500, () => Date.now()), () => send());
  const send = (text = state.next, receivers = 1) => {
    const mayPass = pacer.spend([{ packet: text, receivers }]);
    if (mayPass) sent.push(text);
    return mayPass;
  };
  return { pacer, send, sent, state };
}

test("packets pass while there is room", () => {
  const { pacer, send } = open();
  expect([send("a".repeat(200)), send("b".repeat(300))]).toEqual([true, true]);
  expect(pacer.isWaiting).toBe(false);
});

test("the size is bytes, not characters, over all receivers and packets", () => {
  const { pacer } = open();
  const packets = [
    { packet: "é".repeat(50), receivers: 4 }, // 400 bytes
    { packet: "x", receivers: 100 },
  ];
  expect(pacer.spend(packets)).toBe(true);
  expect(pacer.spend([{ packet: "x", receivers: 1 }])).toBe(false);
  pacer.stop();
});

test("without room it calls back when there is room, and the state of that moment is sent", () => {
  const { pacer, send, sent, state } = open();
  send("first".padEnd(500));
  expect(send("old".padEnd(300))).toBe(false);
  expect(pacer.isWaiting).toBe(true);
  state.next = "new";
  jest.advanceTimersByTime(299);
  expect(sent).toHaveLength(1);
  jest.advanceTimersByTime(1);
  expect(sent).toEqual(["first".padEnd(500), "new"]);
  expect(pacer.isWaiting).toBe(false);
});

test("a state that has grown meanwhile waits again", () => {
  const { send, sent, state } = open();
  send("x".repeat(500));
  send("x".repeat(100));
  state.next = "y".repeat(200);
  jest.advanceTimersByTime(100);
  expect(sent).toHaveLength(1);
  jest.advanceTimersByTime(100);
  expect(sent.at(-1)).toBe(state.next);
});

test("after stop it does not call back", () => {
  const { pacer, send, sent } = open();
  send("x".repeat(500));
  send("x");
  pacer.stop();
  jest.advanceTimersByTime(60_000);
  expect(sent).toHaveLength(1);
});
