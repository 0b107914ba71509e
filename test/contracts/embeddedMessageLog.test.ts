import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { BlockStore } from "../../src/messageLog/embedded/blockStore";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { StoreError, type MessageLog } from "../../src/messageLog/messageLog";
import type * as Integrity from "../../src/messageLog/embedded/integrity";
import { describeMessageLog } from "./messageLogContract";
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
  const put = jest.spyOn(BlockStore.prototype, "putBlock").mockImplementationOnce(() => {
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
