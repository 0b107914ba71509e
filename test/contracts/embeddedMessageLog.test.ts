import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { BlockStore } from "../../src/messageLog/embedded/blockStore";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { StoreError, type MessageLog, type Page, type PageRequest } from "../../src/messageLog/messageLog";
import type * as Integrity from "../../src/messageLog/embedded/integrity";
import { describeMessageLog } from "./messageLogContract";
import { afterThisTest } from "../support/disposal";
import { numbers } from "../support/numbers";
import { smallDisk } from "../support/smallDisk";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { until } from "../support/until";

const chatRoom = { label: "Probe", name: "/probe" };

function probe(uuid: string) {
  return { message: "?", username: "?", uuid, chatRoom, serverTimestamp: new Date().toISOString() };
}

async function isWritable(log: MessageLog): Promise<boolean> {
  return log.append(probe("?"), { idempotent: true }).then(
    () => true,
    () => false,
  );
}

describeMessageLog("embedded", () => {
  const disk = smallDisk();
  const { directory } = disk;
  return {
    create: (maxMessages) => new EmbeddedMessageLog({ directory, maxMessages }),
    loseStore: () => rmSync(join(directory, "log"), { recursive: true }),
    breakStore: (log) => {
      disk.fill();
      return async () => {
        disk.free();
        await until("the store is tried again", () => isWritable(log));
      };
    },
  };
});

test("a directory in use is refused, and free again once its log has stopped", async () => {
  const directory = temporaryDirectory();
  const first = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  await first.start(() => undefined);
  const second = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  await expect(second.start(() => undefined)).rejects.toThrow(`${directory} is in use by another process`);
  await first.stop();
  await second.start(() => undefined);
  await second.stop();
});

test("a lock that a killed process left behind is taken over", async () => {
  const directory = temporaryDirectory();
  const leaveLock = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", leaveLock, join(directory, "lock")]);
  const log = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  await log.start(() => undefined);
  await log.stop();
});

// The check runs a program of its own, once as compiled JavaScript and once as TypeScript.
describe.each(["src", "dist"])("the check of the data, run from %s", (folder) => {
  const { checkIntegrity } = jest.requireActual<typeof Integrity>(
    `../../${folder}/messageLog/embedded/integrity`,
  );

  async function environment(databases: Record<string, string[]>): Promise<string> {
    const path = temporaryDirectory();
    const root = open({ path, maxDbs: 3 });
    for (const [name, records] of Object.entries(databases)) {
      const database = root.openDB({ name, encoding: "string" });
      for (const record of records) await database.put(record, record);
    }
    await root.close();
    return path;
  }

  test("intact data passes", async () => {
    const path = await environment({ blocks: ["a", "b"], keys: [], state: ["c"] });
    expect(() => checkIntegrity(path)).not.toThrow();
  });

  test.each(["blocks", "keys", "state"])("data without the database %s is damaged", async (missing) => {
    const databases = Object.fromEntries(
      ["blocks", "keys", "state"].filter((name) => name !== missing).map((name) => [name, ["a record"]]),
    );
    const path = await environment(databases);
    expect(() => checkIntegrity(path)).toThrow(/damaged/);
  });

  test("a first start that was killed while it made the databases is no damage", async () => {
    const path = await environment({ blocks: [] });
    expect(() => checkIntegrity(path)).not.toThrow();
  });

  test("data whose pages were overwritten is damaged", async () => {
    const path = await environment({ blocks: ["a", "b"], keys: ["c"], state: ["d"] });
    const file = join(path, "data.mdb");
    const data = readFileSync(file);
    writeFileSync(file, data.fill(0xff, 2 * 4_096)); // the first two pages say where the others lie
    expect(() => checkIntegrity(path)).toThrow(/damaged/);
  });
});

test.each([
  ["that is not a database", (file: string) => writeFileSync(file, "not a database ".repeat(1_000))],
  ["that is cut short", (file: string) => truncateSync(file, 3 * 4_096)],
  ["of which only a few bytes are left", (file: string) => truncateSync(file, 100)],
])("a file %s is refused in one line", async (_name, damage) => {
  const directory = temporaryDirectory();
  const log = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  await log.start(() => undefined);
  await log.stop();
  damage(join(directory, "log/data.mdb"));
  const damaged = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  const starting = damaged.start(() => undefined);
  await expect(starting).rejects.toThrow(StoreError);
  await expect(starting).rejects.toThrow(/^[^\n]+$/);
});

test("a directory that cannot be created is refused in one line", async () => {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, "");
  const log = new EmbeddedMessageLog({ directory: join(file, "data"), maxMessages: 10 });
  await expect(log.start(() => undefined)).rejects.toThrow(/cannot be used: ENOTDIR[^\n]*$/);
});

test("a write that throws leaves no refused message to the transaction that follows", async () => {
  const log = new EmbeddedMessageLog({ directory: temporaryDirectory(), maxMessages: 10 });
  await log.start(() => undefined);
  let next: Promise<unknown> | undefined;
  const put = jest.spyOn(BlockStore.prototype, "putMessages").mockImplementationOnce(() => {
    next = log.append(probe("next"), { idempotent: false }); // before the failure is known
    throw new Error("no put");
  });
  await expect(log.append(probe("refused"), { idempotent: false })).rejects.toThrow("no put");
  await next;
  put.mockRestore();
  const { messages } = await log.read(chatRoom.name, { limit: 10 });
  expect(messages.map(({ json }) => (JSON.parse(json) as { uuid: string }).uuid)).toEqual(["next"]);
  await log.stop();
});

describe("pages limited in bytes", () => {
  const LENGTHS = [10, 300, 20, 2_000, 30, 30, 500, 1, 700, 40]; // of texts with 3 bytes per character
  const messages = LENGTHS.map((length, i) => ({ ...probe(String(i)), message: "語".repeat(length) }));
  const jsons = messages.map((message) => JSON.stringify(message));

  /** Returns the pages of the room, read in one direction to the end. */
  async function pages(direction: "before" | "after", maxBytes: number): Promise<string[][]> {
    const log = new EmbeddedMessageLog({ directory: temporaryDirectory(), maxMessages: 100 });
    await log.start(() => undefined);
    afterThisTest(() => log.stop());
    let offset: string | null = direction === "after" ? log.head(chatRoom.name) : null;
    await Promise.all(messages.map((message) => log.append(message, { idempotent: false }))); // in one block
    const found: string[][] = [];
    do {
      const from: PageRequest = { limit: 100, maxBytes };
      const page: Page = await log.read(
        chatRoom.name,
        offset === null ? from : { ...from, [direction]: offset },
      );
      found.push(page.messages.map(({ json }) => json));
      expect(page[direction]).not.toBe(offset ?? ""); // that would lead nowhere
      offset = page[direction];
    } while (offset !== null);
    return found;
  }

  /** Fills pages of at most `maxBytes`, each with at least one message, in the order given. */
  function filled(ordered: readonly string[], maxBytes: number): string[][] {
    const result: string[][] = [];
    for (const json of ordered) {
      const page = result.at(-1) ?? [];
      const fits = page.length > 0 && Buffer.byteLength([...page, json].join("")) <= maxBytes;
      if (fits) page.push(json);
      else result.push([json]);
    }
    return result;
  }

  test.each([1, 600, 2_000, 6_500, 100_000])(
    "of %d bytes end before the message that does not fit, hold at least one, and lead on both ways",
    async (maxBytes) => {
      expect(await pages("after", maxBytes)).toEqual(filled(jsons, maxBytes));
      const backward = filled(jsons.toReversed(), maxBytes).map((page) => page.toReversed());
      expect(await pages("before", maxBytes)).toEqual(backward);
    },
  );
});

test("many long messages of one turn are stored in blocks of at most 128 K characters", async () => {
  const directory = temporaryDirectory();
  const log = new EmbeddedMessageLog({ directory, maxMessages: 1_000 });
  await log.start(() => undefined);
  const texts = numbers(300).map((each) => each.padEnd(4_000, "x"));
  const sent = texts.map((message, i) => ({ ...probe(String(i)), message }));
  const receipts = await Promise.all(sent.map((message) => log.append(message, { idempotent: false })));
  const { messages } = await log.read(chatRoom.name, { limit: 1_000 });
  expect(messages.map(({ json }) => json)).toEqual(sent.map((message) => JSON.stringify(message)));
  expect(messages.map(({ offset }) => offset)).toEqual(receipts.map(({ offset }) => offset));
  await log.stop();
  const root = open({ path: join(directory, "log"), maxDbs: 3, readOnly: true });
  const blocks = root.openDB<string, [string, number]>({ name: "blocks", encoding: "string" });
  const lengths = [...blocks.getRange()].map(({ value }) => value.length);
  await root.close();
  expect(Math.max(...lengths)).toBeLessThan(129 * 1_024);
  expect(lengths.length).toBeLessThan(12); // a turn is not stored message by message
});
