import { spawnSync } from "node:child_process";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { StoreError, type MessageLog } from "../../src/messageLog/messageLog";
import { describeMessageLog } from "./messageLogContract";
import { smallDisk } from "../support/smallDisk";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { until } from "../support/until";

async function isWritable(log: MessageLog): Promise<boolean> {
  const chatRoom = { label: "Probe", name: "/probe" };
  const probe = {
    message: "?",
    username: "?",
    uuid: "?",
    chatRoom,
    serverTimestamp: new Date().toISOString(),
  };
  return log.append(probe, { idempotent: true }).then(
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

test("a lock that its process left behind when it was killed is no obstacle", async () => {
  const directory = temporaryDirectory();
  const leaveLock = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", leaveLock, join(directory, "lock")]);
  const log = new EmbeddedMessageLog({ directory, maxMessages: 10 });
  await log.start(() => undefined);
  await log.stop();
});

test.each([
  ["that is not a database", (file: string) => writeFileSync(file, "not a database ".repeat(1_000))],
  ["that is cut short", (file: string) => truncateSync(file, 3 * 4_096)],
  ["that is empty but for a few bytes", (file: string) => truncateSync(file, 100)],
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

test("a directory that cannot be made is refused in one line", async () => {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, "");
  const log = new EmbeddedMessageLog({ directory: join(file, "data"), maxMessages: 10 });
  await expect(log.start(() => undefined)).rejects.toThrow(/cannot be used: ENOTDIR[^\n]*$/);
});
