import { Timeline, type TimelineChange, type UnsentMessage } from "../../src/web/timeline";
import { historicalMessage, historicalMessages } from "../support/historicalMessage";

const page = (from: number, to: number, before: string | null = null) => ({
  messages: historicalMessages(from, to),
  before,
  after: null,
});

function unsent(number: number, change: Partial<UnsentMessage> = {}): UnsentMessage {
  const { uuid, username, message } = historicalMessage(number);
  return { uuid, username, message, room: "/cooking", at: number, ...change };
}

function timelineOf(from: number, to: number): { timeline: Timeline; changes: TimelineChange[] } {
  const timeline = new Timeline("/cooking");
  timeline.prepend(page(from, to));
  const changes: TimelineChange[] = [];
  timeline.listen((change) => changes.push(change));
  return { timeline, changes };
}

const entries = (timeline: Timeline) => Array.from({ length: timeline.length }, (_, i) => timeline.at(i));
const texts = (timeline: Timeline) => entries(timeline).map((entry) => entry?.message);

test("pages are inserted before the stored messages, and say where the next one goes on", () => {
  const { timeline, changes } = timelineOf(3, 4);
  timeline.prepend(page(1, 2, "offset 1"));
  expect(texts(timeline)).toEqual(["1", "2", "3", "4"]);
  expect([timeline.before, timeline.newest]).toEqual(["offset 1", "offset 4"]);
  expect(changes).toEqual([{ older: 2 }]);
});

test("a message that arrives live and in the first page is there once", () => {
  const timeline = new Timeline("/cooking");
  expect(timeline.before).toBeUndefined();
  timeline.append(historicalMessage(3));
  timeline.prepend(page(1, 3));
  timeline.append(historicalMessage(3));
  timeline.append(historicalMessage(4));
  expect(texts(timeline)).toEqual(["1", "2", "3", "4"]);
  expect(timeline.newest).toBe("offset 4");
});

test("unsent messages stand after the stored ones, also when a message arrives", () => {
  const { timeline, changes } = timelineOf(1, 1);
  timeline.setUnsent([unsent(8), unsent(9)]);
  timeline.append(historicalMessage(2));
  expect(texts(timeline)).toEqual(["1", "2", "8", "9"]);
  expect(changes.at(-1)).toEqual({ received: historicalMessage(2) });
});

test("an unsent message keeps its key when it is received", () => {
  const { timeline } = timelineOf(1, 1);
  timeline.setUnsent([unsent(8), unsent(9)]);
  const key = timeline.at(2)?.key;
  timeline.append(historicalMessage(9));
  expect(texts(timeline)).toEqual(["1", "9", "8"]);
  expect(timeline.at(1)).toMatchObject({ key, offset: "offset 9" });
  expect(timeline.at(1)?.unsent).toBeUndefined();
});

test("a message of another user under the uuid of an unsent one does not replace it", () => {
  const { timeline } = timelineOf(1, 1);
  timeline.setUnsent([unsent(9)]);
  timeline.append(historicalMessage(9, { username: "bo" }));
  expect(texts(timeline)).toEqual(["1", "9", "9"]);
});

test("an unsent message that is stored already is not shown a second time", () => {
  const { timeline } = timelineOf(1, 3);
  timeline.setUnsent([unsent(2), unsent(9)]);
  expect(texts(timeline)).toEqual(["1", "2", "3", "9"]);
  expect([timeline.has(unsent(3)), timeline.has(unsent(9))]).toEqual([true, false]);
});

test("two messages under one uuid have two keys", () => {
  const { timeline } = timelineOf(1, 1);
  timeline.append(historicalMessage(1, { offset: "another" }));
  expect(new Set(entries(timeline).map((entry) => entry?.key)).size).toBe(2);
});

test("`reset` removes the stored messages and keeps the unsent ones", () => {
  const { timeline, changes } = timelineOf(1, 3);
  timeline.setUnsent([unsent(9)]);
  timeline.reset();
  expect(texts(timeline)).toEqual(["9"]);
  expect([timeline.before, timeline.newest]).toEqual([undefined, undefined]);
  expect(changes.at(-1)).toEqual({ isReset: true });
  timeline.prepend(page(1, 2));
  expect(texts(timeline)).toEqual(["1", "2", "9"]);
});

test("from 3,000 stored messages on, all but the newest 1,000 are forgotten and can be read again", () => {
  const { timeline } = timelineOf(1, 2_999);
  expect(timeline.forgetOldest()).toBe(0);
  timeline.append(historicalMessage(3_000));
  expect(timeline.forgetOldest()).toBe(2_000);
  expect([timeline.length, timeline.at(0)?.message, timeline.before]).toEqual([1_000, "2001", "offset 2001"]);
  timeline.prepend(page(1_999, 2_000, "offset 1999"));
  expect(texts(timeline).slice(0, 3)).toEqual(["1999", "2000", "2001"]);
});

test("a listener that was removed is not called", () => {
  const { timeline } = timelineOf(1, 1);
  const listener = jest.fn();
  const stop = timeline.listen(listener);
  timeline.append(historicalMessage(2));
  stop();
  timeline.append(historicalMessage(3));
  expect(listener).toHaveBeenCalledTimes(1);
});
