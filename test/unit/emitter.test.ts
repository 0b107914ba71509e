import { Emitter } from "../../src/client/emitter";

class Numbers extends Emitter<{ number: number; other: string }> {
  send(number: number): void {
    this.emit("number", number);
  }
}

afterEach(() => jest.restoreAllMocks());

test("listeners are called in the order in which they were added, for their event only", () => {
  const emitter = new Numbers();
  const calls: string[] = [];
  emitter.on("number", (number) => calls.push(`first ${String(number)}`));
  emitter.on("other", () => calls.push("other"));
  emitter.on("number", (number) => calls.push(`second ${String(number)}`));
  emitter.send(7);
  expect(calls).toEqual(["first 7", "second 7"]);
});

test("a listener that was added twice is called once, and not after it was removed", () => {
  const emitter = new Numbers();
  const listener = jest.fn();
  emitter.on("number", listener).on("number", listener);
  emitter.send(1);
  emitter.off("number", listener).off("number", listener);
  emitter.send(2);
  expect(listener.mock.calls).toEqual([[1]]);
});

test("a listener may remove itself and others, and add new ones, while it is called", () => {
  const emitter = new Numbers();
  const calls: string[] = [];
  const added = () => calls.push("added");
  const once = () => {
    calls.push("once");
    emitter.off("number", once).on("number", added);
  };
  emitter.on("number", once).on("number", () => calls.push("last"));
  emitter.send(1);
  expect(calls).toEqual(["once", "last"]);
  emitter.send(2);
  expect(calls).toEqual(["once", "last", "last", "added"]);
});

test("a listener that throws stops neither the others nor the caller, and its error is uncaught", () => {
  const uncaught: (() => void)[] = [];
  jest.spyOn(globalThis, "queueMicrotask").mockImplementation((task) => uncaught.push(task));
  const emitter = new Numbers();
  const listener = jest.fn();
  emitter.on("number", () => {
    throw new Error("a mistake of the listener");
  });
  emitter.on("number", listener);
  emitter.send(1);
  expect(listener).toHaveBeenCalledWith(1);
  expect(uncaught).toHaveLength(1);
  expect(uncaught[0]).toThrow("a mistake of the listener");
});
