import { Readiness } from "../../src/http/readiness";

test("a service is not ready before it serves, nor while it drains", () => {
  const readiness = new Readiness({ failure: undefined });
  expect(readiness.failures()).toEqual(["starting"]);
  readiness.markServing();
  expect(readiness.failures()).toEqual([]);
  readiness.markDraining();
  expect(readiness.failures()).toEqual(["draining"]);
});

test("a service that was stopped during its start never becomes ready", () => {
  const readiness = new Readiness({ failure: undefined });
  readiness.markDraining();
  readiness.markServing();
  expect(readiness.failures()).toEqual(["draining"]);
});

test("a failure of the message log is named as long as it lasts", () => {
  const messageLog: { failure: string | undefined } = { failure: "not open" };
  const readiness = new Readiness(messageLog);
  expect(readiness.failures()).toEqual(["starting", "message log: not open"]);
  readiness.markServing();
  messageLog.failure = undefined;
  expect(readiness.failures()).toEqual([]);
});
