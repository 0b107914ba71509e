import { CatchUp } from "../../src/client/catchUp";
import type { ChatClientError } from "../../src/client/chatClientError";
import { HistoryReader } from "../../src/client/historyReader";
import { Inbox } from "../../src/client/inbox";
import type { HistoryPage } from "../../src/protocol/answers";
import { historicalMessage, historicalMessages } from "../support/historicalMessage";

const ROOM = "/cooking";
const RETRIES = { firstMs: 1, maxMs: 1, isRetryable: () => false };
const lost = { rooms: { [ROOM]: { recovered: false, replayed: 0, offset: "offset 6" } } };

/** Catch-up with a history whose pages a test provides, one per request. */
function catchUp(): {
  catchUp: CatchUp;
  inbox: Inbox;
  shown: string[];
  ready: string[];
  errors: string[];
  answer: (page: Partial<HistoryPage> | Error) => Promise<void>;
} {
  const shown: string[] = [];
  const ready: string[] = [];
  const errors: string[] = [];
  const requests: ((page: Partial<HistoryPage> | Error) => void)[] = [];
  const fetch = () =>
    new Promise<{ status: number; json(): Promise<unknown> }>((resolve, reject) =>
      requests.push((page) => {
        if (page instanceof Error) reject(page);
        else
          resolve({
            status: 200,
            json: () => Promise.resolve({ data: { before: null, after: null, ...page }, error: null }),
          });
      }),
    );
  const history = new HistoryReader({
    url: "http://localhost",
    fetch,
    timeoutMs: 1_000,
    getToken: undefined,
  });
  const inbox = new Inbox(({ message }) => shown.push(message));
  const answer = async (page: Partial<HistoryPage> | Error) => {
    requests.shift()?.(page);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const onError = ({ message }: ChatClientError) => errors.push(message);
  const deps = { inbox, history, retries: RETRIES, onRoomReady: (room: string) => ready.push(room), onError };
  return { catchUp: new CatchUp(deps), inbox, shown, ready, errors, answer };
}

test("a room that the server replayed is complete at once", () => {
  const { catchUp: recovery, inbox } = catchUp();
  recovery.reset();
  recovery.onResumed({ rooms: { [ROOM]: { recovered: true, replayed: 3, offset: "offset 3" } } });
  expect(recovery.progress).toEqual({ recovered: 3, recovering: [], incomplete: [] });
  expect(inbox.offsets()).toEqual({ [ROOM]: "offset 3" });
});

test("other rooms are read from history back to the first known message", async () => {
  const { catchUp: recovery, inbox, shown, ready, answer } = catchUp();
  inbox.receive(ROOM, historicalMessage(1));
  recovery.onResumed(lost);
  expect(recovery.progress.recovering).toEqual([ROOM]);
  inbox.receive(ROOM, historicalMessage(7));
  await answer({ messages: historicalMessages(4, 6), before: "offset 4" });
  await answer({ messages: historicalMessages(1, 3), before: "offset 1" });
  expect(shown).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
  expect(ready).toEqual([ROOM]);
  expect(recovery.progress).toEqual({ recovered: 5, recovering: [], incomplete: [] });
});

test("a room whose history does not reach back to a known message is incomplete", async () => {
  const { catchUp: recovery, inbox, shown, ready, errors, answer } = catchUp();
  inbox.receive(ROOM, historicalMessage(1));
  recovery.onResumed(lost);
  await answer({ messages: historicalMessages(5, 6) });
  expect(shown).toEqual(["1", "5", "6"]);
  expect([ready, errors]).toEqual([[ROOM], []]);
  expect(recovery.progress).toEqual({ recovered: 2, recovering: [], incomplete: [ROOM] });
});

test("when a page cannot be read, the room continues as incomplete, and the error is reported", async () => {
  const { catchUp: recovery, inbox, shown, ready, errors, answer } = catchUp();
  recovery.onResumed(lost);
  inbox.receive(ROOM, historicalMessage(7));
  await answer({ messages: historicalMessages(5, 6), before: "offset 5" });
  await answer(new Error("no network"));
  expect([shown, ready, errors]).toEqual([["5", "6", "7"], [ROOM], ["no network"]]);
  expect(recovery.progress.incomplete).toEqual([ROOM]);
});

test("history that was requested for an earlier connection is dropped", async () => {
  const { catchUp: recovery, inbox, shown, ready, answer } = catchUp();
  inbox.receive(ROOM, historicalMessage(1));
  recovery.onResumed(lost);
  recovery.reset();
  await answer({ messages: historicalMessages(1, 6) });
  expect([shown, ready]).toEqual([["1"], []]);
  expect(inbox.offsets()).toEqual({ [ROOM]: "offset 1" });
  expect(recovery.progress).toEqual({ recovered: 0, recovering: [], incomplete: [] });
});
