import { Inbox } from "../../src/client/inbox";
import type { HistoricalMessage } from "../../src/protocol/events";
import { historicalMessage, historicalMessages } from "../support/historicalMessage";

const ROOM = "/cooking";

function inbox(): { inbox: Inbox; shown: string[] } {
  const shown: string[] = [];
  return { inbox: new Inbox(({ message }) => shown.push(message)), shown };
}

function receive(box: Inbox, ...numbers: number[]): void {
  for (const number of numbers) box.receive(ROOM, historicalMessage(number));
}

const reads = (box: Inbox, messages: HistoricalMessage[]) => messages.filter(box.knownIn(ROOM));

test("live messages are shown in order, each once, and the room keeps the newest offset", () => {
  const { inbox: box, shown } = inbox();
  receive(box, 1, 2, 2, 1, 3);
  expect(shown).toEqual(["1", "2", "3"]);
  expect(box.offsets()).toEqual({ [ROOM]: "offset 3" });
});

test("a room without messages resumes from where its live stream began", () => {
  const { inbox: box } = inbox();
  expect(box.offsets()).toEqual({});
  box.startAt(ROOM, "offset 7");
  expect(box.offsets()).toEqual({ [ROOM]: "offset 7" });
});

test("live messages of a held room wait for the missed ones, other rooms do not", () => {
  const { inbox: box, shown } = inbox();
  box.hold(ROOM);
  receive(box, 3, 4);
  box.receive("/pets", historicalMessage(9));
  expect(shown).toEqual(["9"]);
  box.release(ROOM, historicalMessages(1, 3), "offset 3");
  expect(shown).toEqual(["9", "1", "2", "3", "4"]);
  expect(box.offsets()[ROOM]).toBe("offset 4");
  receive(box, 5);
  expect(shown.at(-1)).toBe("5");
});

test("a room that is released without messages continues after the given offset", () => {
  const { inbox: box } = inbox();
  box.hold(ROOM);
  box.release(ROOM, [], "offset 8");
  expect(box.offsets()[ROOM]).toBe("offset 8");
});

test("when the connection is lost, a held room keeps its old offset and drops what waits", () => {
  const { inbox: box, shown } = inbox();
  receive(box, 1);
  box.hold(ROOM);
  receive(box, 5);
  box.discardWaiting();
  expect(box.offsets()[ROOM]).toBe("offset 1");
  receive(box, 2, 3);
  expect(shown).toEqual(["1", "2", "3"]);
});

test("a message is known if it was shown or read, even under the offset of a new log", () => {
  const { inbox: box } = inbox();
  receive(box, 1);
  box.markRead(ROOM, [historicalMessage(2)]);
  const page = [1, 2, 3].map((number) => historicalMessage(number, { offset: `new ${String(number)}` }));
  expect(reads(box, page).map(({ message }) => message)).toEqual(["1", "2"]);
  expect(box.knownIn("/pets")(historicalMessage(1))).toBe(false);
});

test("the same uuid at another time or of another user is another message", () => {
  const { inbox: box } = inbox();
  receive(box, 1);
  const others = [{ username: "bo" }, { serverTimestamp: new Date(9).toISOString() }];
  expect(reads(box, others.map((change) => historicalMessage(1, change)))).toEqual([]); // prettier-ignore
});

test("a message that the application read itself is still shown when it arrives", () => {
  const { inbox: box, shown } = inbox();
  box.markRead(ROOM, [historicalMessage(1)]);
  receive(box, 1);
  expect(shown).toEqual(["1"]);
});

test("the latest 1,000 messages are remembered", () => {
  const { inbox: box } = inbox();
  const messages = historicalMessages(1, 1_001);
  for (const message of messages) box.receive(ROOM, message);
  expect(reads(box, messages)).toEqual(messages.slice(1));
});
