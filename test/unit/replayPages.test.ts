import { newestStart } from "../../src/delivery/newestStart";
import { PAGE_BYTES, PAGE_MESSAGES, ReplayPages } from "../../src/delivery/replayPages";
import { UnknownOffsetError } from "../../src/messageLog/messageLog";
import type { Page, PageRequest, StoredMessage } from "../../src/messageLog/messageLog";
import { range } from "../support/numbers";

const ROOM = "/a";
const CACHE_BYTES = 8 * 1024 * 1024;
const LONG = "x".repeat(24_000);

/** One room; the offset of a message is its number, from 1. */
class ArrayLog {
  readonly jsons: string[] = [];
  readonly requests: PageRequest[] = [];
  /** The read that is to answer next, if reads are held back. */
  readonly held: (() => void)[] = [];
  isHoldingBack = false;
  missing: string | undefined;

  distance = (_room: string, offset: string): number => this.jsons.length - Number(offset);

  async read(room: string, request: PageRequest): Promise<Page> {
    this.requests.push(request);
    const page = this.#page(room, request);
    if (this.isHoldingBack) await new Promise<void>((resolve) => this.held.push(resolve));
    return page;
  }

  #page(room: string, { after, before, limit, maxBytes = Infinity }: PageRequest): Page {
    const all = this.jsons.map((json, index) => ({ room, offset: String(index + 1), json }));
    const side =
      after === undefined ? all.slice(0, Number(before ?? Infinity) - 1).reverse() : all.slice(Number(after));
    let bytes = 0;
    const cut = side
      .filter(({ offset }) => offset !== this.missing)
      .slice(0, limit)
      .filter(({ json }, index) => (bytes += json.length) <= maxBytes || index === 0);
    if (after === undefined) cut.reverse();
    const last = cut.at(-1)?.offset ?? after ?? String(Number(before ?? this.jsons.length + 1) - 1);
    return { messages: cut, before: null, after: Number(last) < this.jsons.length ? last : null };
  }
}

function open(): { log: ArrayLog; pages: ReplayPages; say: (count: number, json?: string) => void } {
  const log = new ArrayLog();
  const pages = new ReplayPages(log);
  const say = (count: number, json = "{}") => {
    for (let left = count; left > 0; left -= 1) {
      log.jsons.push(json);
      pages.add({ room: ROOM, offset: String(log.jsons.length), json } satisfies StoredMessage);
    }
  };
  return { log, pages, say };
}

function after(offset: number, withOffsets = true) {
  return { room: ROOM, after: String(offset), withOffsets };
}

test("a page that was read is not read again", async () => {
  const { log, pages, say } = open();
  say(5);
  const page = await pages.read(after(2));
  expect(page.batch.packets).toEqual([3, 4, 5].map((n) => `2["/a",{"data":{},"error":null},"${String(n)}"]`));
  expect(page.last).toBe("5");
  expect(await pages.read(after(2))).toBe(page);
  expect(log.requests).toHaveLength(1);
});

test("requests for a page that is being read share the read", async () => {
  const { log, pages, say } = open();
  say(5);
  log.isHoldingBack = true;
  const reads = [pages.read(after(2)), pages.read(after(2)), pages.read(after(2))];
  for (const answer of log.held) answer();
  expect(new Set(await Promise.all(reads)).size).toBe(1);
  expect(log.requests).toHaveLength(1);
});

test("a read that fails rejects all that share it, and the next request reads again", async () => {
  const { log, pages, say } = open();
  say(5);
  const failing = jest.spyOn(log, "read").mockRejectedValueOnce(new Error("away"));
  const reads = [pages.read(after(2)), pages.read(after(2))];
  for (const read of reads) await expect(read).rejects.toThrow("away");
  expect((await pages.read(after(2))).last).toBe("5");
  expect(failing).toHaveBeenCalledTimes(2);
});

test("the forms with and without offsets are different pages", async () => {
  const { pages, say } = open();
  say(1);
  expect((await pages.read(after(0, false))).batch.packets).toEqual(['2["/a",{"data":{},"error":null}]']);
  expect((await pages.read(after(0, true))).batch.packets).toEqual(['2["/a",{"data":{},"error":null},"1"]']);
});

test("pages end at the same places, wherever a replay begins, also when messages arrive meanwhile", async () => {
  const { log, pages, say } = open();
  say(700);
  const ends = async (offset: number) => (await pages.read(after(offset))).last;
  expect([await ends(1), await ends(2), await ends(150), await ends(199)]).toEqual([
    "200",
    "200",
    "200",
    "200",
  ]);
  say(50);
  expect([await ends(200), await ends(230), await ends(600)]).toEqual(["400", "400", "750"]);
  expect(log.requests.every(({ limit }) => limit <= PAGE_MESSAGES)).toBe(true);
});

test("a page of long messages ends at 64 KB, so that nearby replays need the same pages afterwards", async () => {
  const { log, pages, say } = open();
  say(230, LONG);
  const first = await pages.read(after(0));
  expect(first.batch.packets).toHaveLength(2);
  expect(log.requests[0]).toMatchObject({ maxBytes: PAGE_BYTES });
  expect((await pages.read(after(199))).last).toBe("200");
});

test("a page that ended at the newest message is read again when more have followed", async () => {
  const { log, pages, say } = open();
  say(5);
  await pages.read(after(2));
  say(1);
  expect((await pages.read(after(2))).last).toBe("6");
  expect(log.requests).toHaveLength(2);
});

test("without a message after the offset the page is empty, and is not kept", async () => {
  const { pages, say } = open();
  say(5);
  const empty = await pages.read(after(5));
  expect(empty).toMatchObject({ batch: { packets: [] }, last: "5" });
  say(1);
  expect((await pages.read(after(5))).last).toBe("6");
});

test("rejects when messages follow the offset but the log returns none", async () => {
  const { log, pages, say } = open();
  say(5);
  log.missing = "5";
  await expect(pages.read(after(4))).rejects.toThrow(UnknownOffsetError);
});

test("keeps 8 MB of pages, those used last", async () => {
  const { log, pages, say } = open();
  say(800, LONG);
  const perPage = 2 * LONG.length;
  const kept = Math.floor(CACHE_BYTES / (perPage + 200));
  await pages.read(after(0));
  await pages.read(after(2));
  for (const index of range(kept - 2, 2)) await pages.read(after(index * 2));
  await pages.read(after(0)); // now used last
  expect(log.requests).toHaveLength(kept);
  await pages.read(after(kept * 2)); // replaces the page after 2
  await pages.read(after(0));
  expect(log.requests).toHaveLength(kept + 1);
  await pages.read(after(2));
  expect(log.requests).toHaveLength(kept + 2);
});

test("after clear pages are read again, and a read that was under way is not kept", async () => {
  const { log, pages, say } = open();
  say(5);
  await pages.read(after(2));
  log.isHoldingBack = true;
  const underWay = pages.read(after(3));
  pages.clear();
  log.isHoldingBack = false;
  for (const answer of log.held) answer();
  await underWay;
  await pages.read(after(2));
  await pages.read(after(3));
  expect(log.requests.map((request) => request.after)).toEqual(["2", "3", "2", "3"]);
  expect(pages.inMemory(after(4))).toBeUndefined();
});

describe("without a read of the log", () => {
  test("a page holds what was delivered last, up to the place where it must end", () => {
    const { log, pages, say } = open();
    say(450);
    expect(pages.inMemory(after(390))?.last).toBe("400");
    expect(pages.inMemory(after(400))?.last).toBe("450");
    expect(pages.inMemory(after(450))).toBeUndefined();
    say(1);
    expect(pages.inMemory(after(400))?.last).toBe("451");
    expect(log.requests).toHaveLength(0);
  });

  test("a page of long messages ends at 64 KB", () => {
    const { pages, say } = open();
    say(10, LONG);
    expect(pages.inMemory(after(1))?.last).toBe("3");
    expect(pages.inMemory(after(9))?.last).toBe("10");
  });

  test("there is no page after a message that is not in memory, but one that was read before", async () => {
    const { pages, say } = open();
    say(1_500);
    expect(pages.inMemory(after(10))).toBeUndefined();
    const page = await pages.read(after(10));
    expect(pages.inMemory(after(10))).toBe(page);
  });
});

describe("the start of the newest messages", () => {
  const startIn = (log: ArrayLog, count: number) => newestStart(count, (request) => log.read(ROOM, request));

  test("is the offset that they follow, found in pages of 200 messages and 64 KB at most", async () => {
    const { log, say } = open();
    say(1_000);
    expect(await startIn(log, 450)).toBe("550");
    expect(Math.max(...log.requests.map(({ limit }) => limit))).toBe(PAGE_MESSAGES);
    expect(new Set(log.requests.map(({ maxBytes }) => maxBytes))).toEqual(new Set([PAGE_BYTES]));
  });

  test("lies before the oldest message where there are fewer, and is undefined where there are none", async () => {
    const { log, say } = open();
    expect(await startIn(log, 3)).toBeUndefined();
    say(3);
    expect(await startIn(log, 3)).toBe("0");
    expect(await startIn(log, 9)).toBe("0");
  });

  test("is undefined when the reads are given up", async () => {
    expect(await newestStart(3, () => Promise.resolve(undefined))).toBeUndefined();
  });
});
