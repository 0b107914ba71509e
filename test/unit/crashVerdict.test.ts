import { violationsOf, type Logs } from "../crash/verdict";
import type { RetryingSender } from "../crash/retryingSender";
import { COOKING, PETS } from "../support/rooms";

const TIME = "2026-01-01T00:00:00.000Z";

function stored(uuid: string, chatRoom = COOKING) {
  return {
    username: "s",
    message: `text ${uuid}`,
    uuid,
    chatRoom,
    serverTimestamp: TIME,
    offset: `o${uuid}`,
  };
}

function logs(cooking: string[], pets: string[] = []): Logs {
  return new Map([
    [COOKING.name, cooking.map((uuid) => stored(uuid))],
    [PETS.name, pets.map((uuid) => stored(uuid, PETS))],
  ]);
}

/** A sender whose messages are all sent to one room and acked, one after the other. */
function sender(uuids: string[], overrides: Partial<RetryingSender> = {}): RetryingSender {
  const receipt = (uuid: string) => ({ uuid, serverTimestamp: TIME, offset: `o${uuid}`, duplicate: false });
  const sent = new Map(uuids.map((uuid) => [uuid, stored(uuid)]));
  const acked = new Map(uuids.map((uuid) => [uuid, receipt(uuid)]));
  return { sent, acked, lanes: [uuids], violations: [], ...overrides } as RetryingSender;
}

function verdictOf(found: Logs, one: RetryingSender): string[] {
  return violationsOf(found, [one], []);
}

test("acked messages that are stored once and in order break no promise", () => {
  expect(verdictOf(logs(["1", "2", "3"]), sender(["1", "2", "3"]))).toEqual([]);
});

test("an unacked message may be stored or not", () => {
  const one = sender(["1", "2"], { acked: new Map(), lanes: [] });
  expect(verdictOf(logs(["1"]), one)).toEqual([]);
});

test("an acked message that is not stored is lost", () => {
  expect(verdictOf(logs(["1"]), sender(["1", "2"]))).toEqual(["2 was acked and is lost"]);
});

test("a message that is stored twice is found, in one room and in two", () => {
  expect(verdictOf(logs(["1", "1"]), sender(["1"]))).toEqual(["1 is stored twice"]);
  expect(verdictOf(logs(["1"], ["1"]), sender(["1"]))).toContain("1 is stored twice");
});

test("messages of a lane in another order are found", () => {
  expect(verdictOf(logs(["2", "1"]), sender(["1", "2"]))).toEqual([
    "2 stands before a message that was acked earlier",
  ]);
});

test("a stored message that differs from the sent one is found", () => {
  const one = sender(["1"], { sent: new Map([["1", { ...stored("1"), message: "another text" }]]) });
  expect(verdictOf(logs(["1"]), one)).toEqual(["1 is not what was sent"]);
});

test("a receipt with another offset than the stored message is found", () => {
  const receipt = { uuid: "1", serverTimestamp: TIME, offset: "elsewhere", duplicate: false };
  const one = sender(["1"], { acked: new Map([["1", receipt]]) });
  expect(verdictOf(logs(["1"]), one)).toEqual(["1 is not where its receipt says"]);
});
