import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { pino } from "pino";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { markIntact } from "../../src/messageLog/embedded/integrity";
import { encodeState } from "../../src/messageLog/embedded/records";
import { hashText } from "../../src/messageLog/idempotencyKeys";
import { StoreError, UnknownOffsetError, type MessageLog } from "../../src/messageLog/messageLog";
import { formatOffset, roomEpoch } from "../../src/messageLog/offset";
import { ClientEventLog } from "../../src/observability/logger";
import type { ChatMessage, MessageReceipt } from "../../src/protocol/events";
import { afterThisTest } from "../support/disposal";
import { numbers } from "../support/numbers";
import { chatMessage as message } from "../support/chatMessage";
import { COOKING, PETS } from "../support/rooms";
import { temporaryDirectory } from "../support/temporaryDirectory";

interface Line {
  msg: string;
  room?: string;
  sequence?: number;
}

const ROOM = COOKING.name;
const ONCE = { idempotent: true };
const BIGINT = (2n ** 70n) as unknown as number; // a type of keys that the types of lmdb lack
const SKIPPED = "damaged messages skipped";
const VOID = "newest messages damaged or missing: offsets from before this start are void";

async function start(directory: string, maxMessages = 100): Promise<{ log: MessageLog; lines: Line[] }> {
  const lines: Line[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line) as Line) });
  const log = new EmbeddedMessageLog({ directory, maxMessages, log: new ClientEventLog(logger) });
  await log.start(() => undefined);
  afterThisTest(() => log.stop());
  return { log, lines };
}

/** Stores each text in a block of its own. */
async function fill(log: MessageLog, texts: readonly string[]): Promise<MessageReceipt[]> {
  const receipts: MessageReceipt[] = [];
  for (const text of texts) receipts.push(await log.append(message(text), ONCE));
  return receipts;
}

/** Replaces the text everywhere in the data file by one of the same length. The file's check does not notice. */
function overwrite(directory: string, text: string, replacement: string): void {
  const file = join(directory, "log/data.mdb");
  const data = readFileSync(file);
  const found = [...positions(data, text)];
  for (const at of found) data.write(replacement, at);
  expect(found).not.toHaveLength(0);
  writeFileSync(file, data, { flag: "r+" }); // in place: an open log maps this file
  markIntact(join(directory, "log"));
}

function* positions(data: Buffer, text: string): Generator<number> {
  for (let at = data.indexOf(text); at >= 0; at = data.indexOf(text, at + 1)) yield at;
}

/** One changed byte: the JSON of a message with this text is no longer valid. */
function damage(directory: string, text: string): void {
  overwrite(directory, `"message":"${text}"`, `"message":"${text}'`);
}

function texts(messages: readonly { json: string }[]): string[] {
  return messages.map(({ json }) => (JSON.parse(json) as ChatMessage).message);
}

/** Reads the room page by page, as far as the pages lead. */
async function readAll(log: MessageLog, direction: "before" | "after", from?: string): Promise<string[]> {
  const all: string[] = [];
  let offset: string | null | undefined = from;
  do {
    const page = await log.read(ROOM, { ...(offset != null && { [direction]: offset }), limit: 2 });
    if (direction === "before") all.unshift(...texts(page.messages));
    else all.push(...texts(page.messages));
    expect(page[direction]).not.toBe(offset); // that would lead nowhere
    offset = page[direction];
  } while (offset !== null);
  return all;
}

describe.each([
  ["oldest", ["one"], ["two", "three", "four", "five"]],
  ["middle", ["three"], ["one", "two", "four", "five"]],
  ["newest", ["five"], ["one", "two", "three", "four"]],
  ["newest two", ["four", "five"], ["one", "two", "three"]],
])("with the %s of five messages damaged", (_which, damaged, intact) => {
  const all = ["one", "two", "three", "four", "five"];

  test("pages hold the others, both ways, and lead to an end", async () => {
    const directory = temporaryDirectory();
    const { log } = await start(directory);
    const beginning = log.head(ROOM);
    await fill(log, all);
    for (const text of damaged) damage(directory, text);
    expect(await readAll(log, "before")).toEqual(intact);
    expect(await readAll(log, "after", beginning)).toEqual(intact);
  });

  test("each damaged block is logged once, by room and sequence and without its content", async () => {
    const directory = temporaryDirectory();
    const { log, lines } = await start(directory);
    await fill(log, all);
    for (const text of damaged) damage(directory, text);
    for (let i = 0; i < 3; i += 1) await readAll(log, "before");
    const expected = damaged.map((text) => ({ msg: SKIPPED, room: ROOM, sequence: all.indexOf(text) + 1 }));
    expect(lines).toHaveLength(expected.length);
    expect(lines).toEqual(
      expect.arrayContaining(expected.map((each) => expect.objectContaining(each) as unknown)),
    );
    expect(JSON.stringify(lines)).not.toMatch(new RegExp(damaged.join("|")));
  });
});

test("the messages after a damaged one keep their offsets, also over a restart", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const [one, two, three] = await fill(first.log, ["one", "two", "three"]);
  await first.log.stop();
  damage(directory, "two");
  const { log } = await start(directory);
  const { messages } = await log.read(ROOM, { after: String(one?.offset), limit: 10 });
  expect(messages.map(({ offset }) => offset)).toEqual([three?.offset]);
  expect((await log.read(ROOM, { after: String(two?.offset), limit: 10 })).messages).toEqual(messages);
  expect(log.distance(ROOM, String(one?.offset))).toBe(2);
});

test("a change that leaves the JSON valid is damage, too", async () => {
  const directory = temporaryDirectory();
  const { log } = await start(directory);
  await fill(log, ["one", "two", "three"]);
  overwrite(directory, `"message":"two"`, `"message":"owt"`);
  expect(await readAll(log, "before")).toEqual(["one", "three"]);
});

test("a block under a key that is not its own is damaged", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await fill(first.log, ["one", "two"]);
  await first.log.stop();
  await edit(directory, "blocks", (blocks) => {
    const value = blocks.get([ROOM, 1]);
    void blocks.put([ROOM, 3], value ?? "");
    void blocks.put([PETS.name, 1], value ?? "");
  });
  const { log } = await start(directory);
  expect(await readAll(log, "before")).toEqual(["one", "two"]);
  expect((await log.read(PETS.name, { limit: 10 })).messages).toEqual([]);
});

test.each([
  ["a bigint", BIGINT],
  ["a fraction", 2.5],
  ["too great", 1e300],
])("a block whose sequence became %s is skipped, and the room goes on", async (_what, sequence) => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await fill(first.log, ["one", "two"]);
  await first.log.stop();
  await edit(directory, "blocks", (blocks) => {
    const value = blocks.get([ROOM, 2]);
    void blocks.remove([ROOM, 2]);
    void blocks.put([ROOM, sequence], value ?? "");
  });
  const { log, lines } = await start(directory);
  const [third, fourth] = await fill(log, ["three", "four"]);
  expect(await readAll(log, "before")).toEqual(["one", "three", "four"]);
  expect(texts((await log.read(ROOM, { after: third?.offset, limit: 10 })).messages)).toEqual(["four"]);
  expect(log.distance(ROOM, String(third?.offset))).toBe(1);
  expect(log.head(ROOM)).toBe(fourth?.offset);
  expect(lines.filter(({ msg }) => msg === SKIPPED)).toHaveLength(1);
});

describe("when the newest messages are damaged at the start", () => {
  const lost = numbers(3).map((text) => `lost ${text}`);

  /** Damages a block of three messages, the newest of the room. */
  async function damaged(): Promise<{ directory: string; offsets: string[] }> {
    const directory = temporaryDirectory();
    const { log } = await start(directory);
    const kept = await fill(log, ["kept"]);
    const receipts = await Promise.all(lost.map((text) => log.append(message(text), ONCE)));
    await log.append(message("elsewhere", { chatRoom: PETS }), ONCE);
    await log.stop();
    damage(directory, "lost 1");
    return { directory, offsets: [...kept, ...receipts].map(({ offset }) => offset) };
  }

  test("no offset from before names a message, and none is given out again", async () => {
    const { directory, offsets } = await damaged();
    const { log, lines } = await start(directory);
    const receipts = await fill(log, numbers(10));
    for (const offset of offsets) {
      expect(log.distance(ROOM, offset)).toBeUndefined();
      await expect(log.read(ROOM, { after: offset, limit: 1 })).rejects.toThrow(UnknownOffsetError);
      expect(receipts.map((receipt) => receipt.offset)).not.toContain(offset);
    }
    expect(await readAll(log, "before")).toEqual(["kept", ...numbers(10)]);
    expect(texts((await log.read(PETS.name, { limit: 10 })).messages)).toEqual(["elsewhere"]);
    expect(lines).toContainEqual(expect.objectContaining({ msg: VOID, damagedRooms: [ROOM] }));
  });

  test("the start after that keeps its offsets, though no message came in between", async () => {
    const { directory } = await damaged();
    const second = await start(directory);
    const head = second.log.head(ROOM);
    await second.log.stop();
    const { log } = await start(directory);
    expect(log.head(ROOM)).toBe(head);
    const [next] = await fill(log, ["next"]);
    const { messages } = await log.read(ROOM, { after: head, limit: 10 });
    expect(messages.map(({ offset }) => offset)).toEqual([next?.offset]);
  });

  test("if they can be read again later, no two messages have one offset", async () => {
    const { directory } = await damaged();
    const second = await start(directory);
    await fill(second.log, ["next"]);
    await second.log.stop();
    overwrite(directory, `"message":"lost 1'`, `"message":"lost 1"`);
    const { log } = await start(directory);
    const { messages } = await log.read(ROOM, { limit: 10 });
    expect(texts(messages)).toEqual(["kept", ...lost, "next"]);
    expect(new Set(messages.map(({ offset }) => offset)).size).toBe(5);
  });
});

test.each([
  ["the newest messages of a room are", 3],
  ["a whole room is", 1],
])("if %s missing at the start, no offset from before names a message", async (_what, from) => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const before = await fill(first.log, ["one", "two", "three"]);
  await first.log.stop();
  await edit(directory, "blocks", (blocks) => {
    for (let sequence = from; sequence <= 3; sequence += 1) void blocks.remove([ROOM, sequence]);
  });
  const second = await start(directory);
  const after = await fill(second.log, ["four", "five", "six"]);
  for (const { offset } of before) {
    expect(second.log.distance(ROOM, offset)).toBeUndefined();
    expect(after.map((receipt) => receipt.offset)).not.toContain(offset);
  }
  expect(second.lines.map(({ msg }) => msg)).toEqual([VOID]);
  await second.log.stop();
  const { log, lines } = await start(directory); // once only
  expect(log.head(ROOM)).toBe(after.at(-1)?.offset);
  expect(lines).toEqual([]);
});

test("a damaged state is logged, and no offset from before is valid", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const [receipt] = await fill(first.log, ["hello"]);
  await first.log.stop();
  overwrite(directory, `"isClean":true`, `"isClean":frue`);
  const { log, lines } = await start(directory);
  expect(lines.map(({ msg }) => msg)).toEqual(["state damaged: offsets from before this start are void"]);
  expect(log.distance(ROOM, String(receipt?.offset))).toBeUndefined();
  expect(await readAll(log, "before")).toEqual(["hello"]);
});

test("a damaged place of idempotency keys does not stop the start", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await fill(first.log, ["one"]);
  await first.log.stop();
  await edit(directory, "keys", (keys) => void keys.put([BIGINT, BIGINT], "[]"));
  const { log, lines } = await start(directory);
  expect(lines.map(({ msg }) => msg)).toEqual(["damaged idempotency keys skipped"]);
  expect(await log.append(message("one"), ONCE)).toMatchObject({ duplicate: true });
});

test("damaged idempotency keys are logged and ignored, and the others stay known", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await fill(first.log, ["one", "two"]);
  await first.log.stop();
  overwrite(directory, `,1,`, `,7,`); // the sequence of the first key
  const { log, lines } = await start(directory);
  expect(lines.map(({ msg }) => msg)).toEqual(["damaged idempotency keys skipped"]);
  expect(await log.append(message("one"), ONCE)).toMatchObject({ duplicate: false });
  expect(await log.append(message("two"), ONCE)).toMatchObject({ duplicate: true });
});

/** Changes one database of a log that is not open. */
async function edit(
  directory: string,
  name: string,
  change: (database: ReturnType<typeof openStrings>) => void,
): Promise<void> {
  const root = open({ path: join(directory, "log"), maxDbs: 3 });
  const database = openStrings(root, name);
  await root.transaction(() => change(database));
  await root.close();
  markIntact(join(directory, "log"));
}

function openStrings(root: ReturnType<typeof open>, name: string) {
  return root.openDB<string, (string | number)[] | string>({ name, encoding: "string" });
}

describe("data of version 1.0.0", () => {
  const EPOCH = "0123456789ab";
  const offsetOf = (sequence: number) => formatOffset(roomEpoch(EPOCH, ROOM), sequence);
  const stored = numbers(5).map((text) => message(text));

  /** Writes five messages as version 1.0.0 does, the last three in one turn, and their keys. */
  async function version1(): Promise<string> {
    const directory = temporaryDirectory();
    const lines = stored.map((each) => JSON.stringify(each));
    await edit(directory, "blocks", (blocks) => {
      for (const [first, end] of [
        [0, 1],
        [1, 2],
        [2, 5],
      ] as const)
        // prettier-ignore
        void blocks.put([ROOM, first + 1], lines.slice(first, end).join("\n"));
    });
    const records = stored.map(({ username, uuid, message: text, serverTimestamp }, i) => {
      return [JSON.stringify([ROOM, username, uuid]), i + 1, Date.parse(serverTimestamp), hashText(text)];
    });
    await edit(directory, "keys", (keys) => void keys.put([Date.now(), 1], JSON.stringify(records)));
    const state = { format: 1, epoch: EPOCH, isClean: true };
    await edit(directory, "state", (states) => void states.put("state", JSON.stringify(state)));
    return directory;
  }

  test("opens complete: messages, offsets and keys", async () => {
    const { log, lines } = await start(await version1());
    const { messages } = await log.read(ROOM, { limit: 10 });
    expect(messages.map(({ json }) => JSON.parse(json) as unknown)).toEqual(stored);
    expect(messages.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5].map(offsetOf));
    for (const [i, each] of stored.entries())
      expect(await log.append(each, ONCE)).toMatchObject({ duplicate: true, offset: offsetOf(i + 1) });
    const [next] = await fill(log, ["next"]);
    expect(next?.offset).toBe(offsetOf(6));
    expect(await readAll(log, "before")).toEqual([...numbers(5), "next"]);
    expect(lines).toEqual([]);
  });

  test("opens complete once more after this version has written to it", async () => {
    const directory = await version1();
    const first = await start(directory);
    await fill(first.log, ["next"]);
    await first.log.stop();
    const { log, lines } = await start(directory);
    expect(await readAll(log, "before")).toEqual([...numbers(5), "next"]);
    for (const text of [...numbers(5), "next"])
      expect(await log.append(message(text), ONCE)).toMatchObject({ duplicate: true });
    expect(lines).toEqual([]);
  });

  test("a block that is not valid JSON is skipped as a whole and logged", async () => {
    const directory = await version1();
    damage(directory, "1");
    damage(directory, "3");
    const { log, lines } = await start(directory);
    expect(await readAll(log, "before")).toEqual(["0"]);
    expect(lines.filter(({ msg }) => msg === SKIPPED).map(({ sequence }) => sequence)).toEqual([3, 2]);
  });

  test("is refused from then on by version 1.0.0, which reads the format", async () => {
    const directory = await version1();
    const { log } = await start(directory);
    await log.stop();
    const root = open({ path: join(directory, "log"), maxDbs: 3, readOnly: true });
    const state = openStrings(root, "state").get("state");
    await root.close();
    expect(JSON.parse(String(state))).toMatchObject({ format: 2, epoch: EPOCH });
  });
});

test("data of a later format is refused in one line", async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  await first.log.stop();
  const state = encodeState({ format: 3, epoch: "0123456789ab", isClean: true, bootId: undefined });
  await edit(directory, "state", (states) => void states.put("state", state));
  await expect(start(directory)).rejects.toThrow(/^[^\n]* cannot be opened: it has format 3$/);
});

test("data that cannot be read at the start is refused in one line", async () => {
  const directory = temporaryDirectory();
  await edit(directory, "blocks", (blocks) => void blocks.put([1, 1], "the room is no name"));
  const log = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  const starting = log.start(() => undefined);
  await expect(starting).rejects.toThrow(StoreError);
  await expect(starting).rejects.toThrow(/cannot be read: [^\n]+$/);
});
