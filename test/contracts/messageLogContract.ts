import {
  KeyReusedError,
  StoreError,
  UnknownOffsetError,
  type MessageLog,
  type StoredMessage,
} from "../../src/messageLog/messageLog";
import type { ChatMessage } from "../../src/protocol/events";
import { afterThisTest } from "../support/disposal";
import { numbers } from "../support/numbers";
import { chatMessage as message } from "../support/chatMessage";
import { COOKING, PETS } from "../support/rooms";

/** Gives the suite access to one implementation of the log. */
export interface LogBackend {
  /** Creates a log on the same store as before, which keeps `maxMessages` messages per room. */
  create: (maxMessages: number) => MessageLog;
  /** Deletes everything stored. Called while no log is open. */
  loseStore: () => void | Promise<void>;
  /** Makes the store of the open log fail, until the returned function is called. */
  breakStore: (log: MessageLog) => () => void | Promise<void>;
}

const ONCE = { idempotent: true };
const ALWAYS = { idempotent: false };

function texts(messages: readonly { json: string }[]): string[] {
  return messages.map(({ json }) => (JSON.parse(json) as ChatMessage).message);
}

/** Defines the tests that every message log must pass: the promises of src/messageLog/messageLog.ts. */
export function describeMessageLog(name: string, setUp: () => Promise<LogBackend> | LogBackend): void {
  describe(`message log: ${name}`, () => {
    let backend: LogBackend;
    beforeEach(async () => {
      backend = await setUp();
    });

    async function open(maxMessages = 100): Promise<{ log: MessageLog; delivered: StoredMessage[] }> {
      const log = backend.create(maxMessages);
      const delivered: StoredMessage[] = [];
      await log.start((stored) => delivered.push(stored));
      afterThisTest(() => log.stop());
      return { log, delivered };
    }

    test("delivers each message once and unchanged, before its append resolves", async () => {
      const { log, delivered } = await open();
      const sent = message("hello");
      const receipt = await log.append(sent, ALWAYS);
      expect(delivered).toEqual([{ room: "/cooking", offset: receipt.offset, json: JSON.stringify(sent) }]);
      expect(receipt).toEqual({
        ...receipt,
        uuid: sent.uuid,
        serverTimestamp: sent.serverTimestamp,
        duplicate: false,
      });
      expect(log.head("/cooking")).toBe(receipt.offset);
    });

    test("each room has the same order in delivery and in pages, also for concurrent appends", async () => {
      const { log, delivered } = await open(1_000);
      await Promise.all(
        numbers(500).map((text) =>
          log.append(message(text, { chatRoom: Number(text) % 3 ? COOKING : PETS }), ALWAYS),
        ),
      );
      for (const room of ["/cooking", "/pets"]) {
        const ofRoom = delivered.filter((stored) => stored.room === room);
        const { messages } = await log.read(room, { limit: 1_000 });
        expect(messages).toEqual(ofRoom);
        expect(texts(messages).map(Number)).toEqual(texts(messages).map(Number).sort((a, b) => a - b)); // prettier-ignore
      }
      expect(delivered).toHaveLength(500);
    });

    test("keeps characters of every kind", async () => {
      const { log } = await open();
      const text = 'é "quoted" \n\r\t\u2028 \u0000 👋 \ud800';
      await log.append(message(text), ALWAYS);
      expect(texts((await log.read("/cooking", { limit: 1 })).messages)).toEqual([text]);
    });

    test("without idempotency the same message is stored each time", async () => {
      const { log, delivered } = await open();
      const sent = message("hello");
      await log.append(sent, ALWAYS);
      await log.append(sent, ALWAYS);
      expect(delivered).toHaveLength(2);
    });

    test("an append with a known key resolves with the first receipt and stores nothing", async () => {
      const { log, delivered } = await open();
      const first = await log.append(
        message("hello", { serverTimestamp: new Date(Date.now() - 60_000).toISOString() }),
        ONCE,
      );
      await log.append(message("between"), ONCE);
      const again = await log.append(message("hello"), ONCE);
      expect(first.duplicate).toBe(false);
      expect(again).toEqual({ ...first, duplicate: true });
      expect(texts(delivered)).toEqual(["hello", "between"]);
    });

    test("of concurrent appends with one key, one is stored and all resolve with its receipt", async () => {
      const { log, delivered } = await open();
      const receipts = await Promise.all(numbers(20).map(() => log.append(message("hello"), ONCE)));
      expect(delivered).toHaveLength(1);
      expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
      expect(new Set(receipts.map(({ offset }) => offset)).size).toBe(1);
    });

    test("a key consists of sender, room and uuid", async () => {
      const { log, delivered } = await open();
      const variants: Partial<ChatMessage>[] = [
        {},
        { username: "bo" },
        { chatRoom: PETS },
        { uuid: "other" },
      ];
      for (const variant of variants) {
        expect(await log.append(message("hello", variant), ONCE)).toMatchObject({ duplicate: false });
      }
      expect(delivered).toHaveLength(4);
    });

    test("a key with another text is refused, both while the first is being stored and afterwards", async () => {
      const { log, delivered } = await open();
      const first = log.append(message("hello", { uuid: "1" }), ONCE);
      await expect(log.append(message("bye", { uuid: "1" }), ONCE)).rejects.toThrow(KeyReusedError);
      await first;
      await expect(log.append(message("bye", { uuid: "1" }), ONCE)).rejects.toThrow(KeyReusedError);
      expect(texts(delivered)).toEqual(["hello"]);
    });

    test("messages, offsets and keys stay valid when the log is opened again", async () => {
      const before = await open();
      const receipt = await before.log.append(message("hello"), ONCE);
      await before.log.append(message("bye"), ALWAYS);
      const head = before.log.head("/cooking");
      await before.log.stop();

      const { log, delivered } = await open();
      expect(log.head("/cooking")).toBe(head);
      expect(texts((await log.read("/cooking", { after: receipt.offset, limit: 10 })).messages)).toEqual([
        "bye",
      ]);
      expect(await log.append(message("hello"), ONCE)).toEqual({ ...receipt, duplicate: true });
      const next = await log.append(message("next"), ALWAYS);
      expect(texts(delivered)).toEqual(["next"]);
      expect(texts((await log.read("/cooking", { after: head, limit: 10 })).messages)).toEqual(["next"]);
      expect(next.offset).not.toBe(head);
    });

    test("pages lead to the next page in both directions", async () => {
      const { log } = await open();
      for (const text of numbers(25)) await log.append(message(text), ALWAYS);
      const newest = await log.read("/cooking", { limit: 10 });
      expect(texts(newest.messages)).toEqual(numbers(10, 15));
      expect(newest.after).toBeNull();
      const middle = await log.read("/cooking", { before: String(newest.before), limit: 10 });
      expect(texts(middle.messages)).toEqual(numbers(10, 5));
      const oldest = await log.read("/cooking", { before: String(middle.before), limit: 10 });
      expect(texts(oldest.messages)).toEqual(numbers(5));
      expect(oldest.before).toBeNull();
      const forth = await log.read("/cooking", { after: String(oldest.after), limit: 10 });
      expect(forth).toEqual(middle);
      const last = await log.read("/cooking", { after: String(forth.after), limit: 10 });
      expect(last).toEqual(newest);
    });

    describe("a page that is limited in bytes", () => {
      const pad = "é".repeat(50);
      const BYTES_OF_ONE = Buffer.byteLength(JSON.stringify(message(`0 ${pad}`)));

      async function openWithTen(): Promise<{ log: MessageLog; start: string }> {
        const { log } = await open();
        const start = log.head("/cooking");
        for (const text of numbers(10)) await log.append(message(`${text} ${pad}`), ALWAYS);
        return { log, start };
      }

      function numbersOf(messages: readonly { json: string }[]): string[] {
        return texts(messages).map((text) => String(text.split(" ")[0]));
      }

      test("ends before the message that would exceed the bytes, and leads to it, in both directions", async () => {
        const { log, start } = await openWithTen();
        const ofThree = { limit: 100, maxBytes: 3 * BYTES_OF_ONE };
        const forth = await log.read("/cooking", { ...ofThree, after: start });
        expect(numbersOf(forth.messages)).toEqual(numbers(3));
        const next = await log.read("/cooking", { ...ofThree, after: String(forth.after) });
        expect(numbersOf(next.messages)).toEqual(numbers(3, 3));
        const newest = await log.read("/cooking", ofThree);
        expect(numbersOf(newest.messages)).toEqual(numbers(3, 7));
        expect(newest.after).toBeNull();
        const back = await log.read("/cooking", { ...ofThree, before: String(newest.before) });
        expect(numbersOf(back.messages)).toEqual(numbers(3, 4));
        const oneByteLess = await log.read("/cooking", { ...ofThree, maxBytes: 3 * BYTES_OF_ONE - 1 });
        expect(numbersOf(oneByteLess.messages)).toEqual(numbers(2, 8));
      });

      test("holds one message, however long it is", async () => {
        const { log, start } = await openWithTen();
        const { messages } = await log.read("/cooking", { after: start, limit: 100, maxBytes: 1 });
        expect(numbersOf(messages)).toEqual(["0"]);
        expect(numbersOf((await log.read("/cooking", { limit: 100, maxBytes: 1 })).messages)).toEqual(["9"]);
      });

      test("is limited in messages, too", async () => {
        const { log, start } = await openWithTen();
        const request = { limit: 2, maxBytes: 1e6 };
        expect(numbersOf((await log.read("/cooking", { ...request, after: start })).messages)).toEqual(numbers(2)); // prettier-ignore
        expect(numbersOf((await log.read("/cooking", request)).messages)).toEqual(numbers(2, 8));
      });
    });

    test("an empty room has an empty page, and a head to continue from", async () => {
      const { log } = await open();
      expect(await log.read("/pets", { limit: 10 })).toEqual({ messages: [], before: null, after: null });
      const head = log.head("/pets");
      await log.append(message("first", { chatRoom: PETS }), ALWAYS);
      expect(texts((await log.read("/pets", { after: head, limit: 10 })).messages)).toEqual(["first"]);
    });

    test("a page beyond either end is empty and leads back", async () => {
      const { log } = await open();
      for (const text of numbers(3)) await log.append(message(text), ALWAYS);
      const { messages } = await log.read("/cooking", { limit: 3 });
      const [first, , last] = messages as [StoredMessage, StoredMessage, StoredMessage];
      const beyondEnd = await log.read("/cooking", { after: last.offset, limit: 3 });
      expect(beyondEnd).toMatchObject({ messages: [], after: null });
      const beyondStart = await log.read("/cooking", { before: first.offset, limit: 3 });
      expect(beyondStart).toMatchObject({ messages: [], before: null });
      const back = await log.read("/cooking", { after: String(beyondStart.after), limit: 3 });
      expect(back.messages).toEqual(messages);
    });

    test("the distance of an offset is the number of messages that follow it", async () => {
      const { log } = await open();
      const start = log.head("/cooking");
      expect(log.distance("/cooking", start)).toBe(0);
      const receipts = [];
      for (const text of numbers(3)) receipts.push(await log.append(message(text), ALWAYS));
      expect(receipts.map(({ offset }) => log.distance("/cooking", offset))).toEqual([2, 1, 0]);
      expect(log.distance("/cooking", start)).toBe(3);
      expect(log.distance("/pets", start)).toBeUndefined();
      expect(log.distance("/cooking", "nonsense")).toBeUndefined();
    });

    test("each room keeps its newest messages, up to the maximum", async () => {
      const { log } = await open(10);
      const old = await log.append(message("old"), ALWAYS);
      await log.append(message("quiet", { chatRoom: PETS }), ALWAYS);
      for (const text of numbers(40)) await log.append(message(text), ALWAYS);
      const { messages, before } = await log.read("/cooking", { limit: 100 });
      expect(texts(messages)).toEqual(numbers(10, 30));
      expect(before).toBeNull();
      expect(texts((await log.read("/pets", { limit: 100 })).messages)).toEqual(["quiet"]);
      await expect(log.read("/cooking", { after: old.offset, limit: 10 })).rejects.toThrow(
        UnknownOffsetError,
      );
    });

    test("the offset right before the oldest message kept is still valid", async () => {
      const { log } = await open(10);
      const receipts = [];
      for (const text of numbers(15)) receipts.push(await log.append(message(text), ALWAYS));
      const page = await log.read("/cooking", { after: String(receipts[4]?.offset), limit: 100 });
      expect(texts(page.messages)).toEqual(numbers(10, 5));
    });

    test.each(["", "x", "1", "-", "ffffffffffff-1", "ffffffffffff-zzzzzzzzzzzz", "\u0000", "__proto__"])(
      "%j is no offset",
      async (offset) => {
        const { log } = await open();
        await log.append(message("hello"), ALWAYS);
        await expect(log.read("/cooking", { after: offset, limit: 1 })).rejects.toThrow(UnknownOffsetError);
        await expect(log.read("/cooking", { before: offset, limit: 1 })).rejects.toThrow(UnknownOffsetError);
      },
    );

    test("after the store was lost, the old offsets are unknown", async () => {
      const before = await open();
      for (const text of numbers(3)) await before.log.append(message(text), ALWAYS);
      const { offset } = await before.log.append(message("last"), ALWAYS);
      await before.log.stop();
      await backend.loseStore();

      const { log } = await open();
      for (const text of numbers(10)) await log.append(message(text), ALWAYS);
      await expect(log.read("/cooking", { after: offset, limit: 10 })).rejects.toThrow(UnknownOffsetError);
    });

    test("while the store fails, appends are refused and nothing is delivered; afterwards the log works as before", async () => {
      const { log, delivered } = await open();
      await log.append(message("before"), ONCE);
      const repair = backend.breakStore(log);
      const attempts = numbers(5).map((text) => log.append(message(text), ONCE));
      for (const attempt of attempts) await expect(attempt).rejects.toThrow(StoreError);
      expect(texts(delivered)).toEqual(["before"]);

      await repair();
      const retried = await log.append(message("0"), ONCE);
      expect(retried.duplicate).toBe(false);
      expect(texts(delivered.filter(({ room }) => room === "/cooking"))).toEqual(["before", "0"]);
      expect(texts((await log.read("/cooking", { limit: 10 })).messages)).toEqual(["before", "0"]);
    });

    test("failure says why the log cannot store, and only while it cannot", async () => {
      const { log } = await open();
      expect(log.failure).toBeUndefined();
      const repair = backend.breakStore(log);
      await expect(log.append(message("hello"), ONCE)).rejects.toThrow(StoreError);
      expect(log.failure).toMatch(/^[^\n]+$/);
      await repair();
      expect(log.failure).toBeUndefined();
    });

    test("a log that is not open reports a failure, and refuses appends and reads", async () => {
      const log = backend.create(10);
      expect(log.failure).toMatch(/^[^\n]+$/);
      await expect(log.read("/cooking", { limit: 1 })).rejects.toThrow(StoreError);
      await expect(log.append(message("early"), ALWAYS)).rejects.toThrow(StoreError);
      await log.start(() => undefined);
      await log.stop();
      expect(log.failure).toMatch(/^[^\n]+$/);
    });

    test("stop stores what was appended, and later appends are refused", async () => {
      const first = await open();
      const appending = Promise.all(numbers(20).map((text) => first.log.append(message(text), ALWAYS)));
      await first.log.stop();
      await appending;
      await expect(first.log.append(message("late"), ALWAYS)).rejects.toThrow(StoreError);
      const { log } = await open();
      expect(texts((await log.read("/cooking", { limit: 100 })).messages)).toEqual(numbers(20));
    });
  });
}
