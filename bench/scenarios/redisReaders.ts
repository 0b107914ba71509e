/** Measures what it costs Redis to wake one more node for a message, with many blocked readers and few messages. */
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import type { RunningServer } from "../process/target";
import { TWO_NODES, type Metrics, type Scenario } from "./scenario";

const READERS = 100;
const MESSAGES = 300;
const PAUSE_MS = 9; // between messages: about 100/s, too few for a reader to get several at once
const STREAMS = ["bench:1", "bench:2", "bench:3", "bench:4"]; // one for each room
const MESSAGE = "x".repeat(200);

async function run(): Promise<Metrics> {
  return Promise.resolve({});
}

async function afterRun({ redisUrl = "" }: RunningServer): Promise<Metrics> {
  const writer = new Redis(redisUrl);
  const without = await cpuPerMessage(writer);
  const readers = Array.from({ length: READERS }, () => new Redis(redisUrl));
  readers.forEach((reader) => void follow(reader));
  await pause(1_000);
  const withReaders = await cpuPerMessage(writer);
  for (const redis of [...readers, writer]) redis.disconnect();
  return { microsecondsPerReader: (withReaders - without) / READERS, microsecondsPerMessage: without };
}

/** Reads until the connection ends. */
async function follow(reader: Redis): Promise<void> {
  const options = ["COUNT", 500, "BLOCK", 5_000, "STREAMS", ...STREAMS];
  try {
    for (;;) await reader.call("XREAD", [...options, ...STREAMS.map(() => "$")]);
  } catch {
    return;
  }
}

async function cpuPerMessage(writer: Redis): Promise<number> {
  const before = await cpuMicroseconds(writer);
  for (let i = 0; i < MESSAGES; i++) {
    await writer.xadd("bench:1", "MAXLEN", "=", 10_000, "*", "m", MESSAGE);
    await pause(PAUSE_MS);
  }
  return ((await cpuMicroseconds(writer)) - before) / MESSAGES;
}

async function cpuMicroseconds(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const seconds = (kind: string): number => Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)?.[1]);
  return (seconds("user") + seconds("sys")) * 1e6;
}

export const redisReaders: Scenario = {
  name: "redisReaders",
  targets: TWO_NODES,
  rows: [],
  run,
  afterRun,
};
