/** Measures what a message and an idempotency key cost in Redis: memory, commands, time and bytes on the network. */
import { Redis } from "ioredis";
import { writeMessages } from "../client/writeMessages";
import type { RunningServer, Target } from "../process/target";
import { COOKING } from "../rooms";
import { TWO_NODES, type Metrics, type Scenario } from "./scenario";

const MESSAGES = 10_000; // the service's default HISTORY_MAX_MESSAGES
const IN_FLIGHT = 50;
const KEYS_PER_BATCH = 500;

async function run(target: Target): Promise<Metrics> {
  await writeMessages(target, COOKING, { count: MESSAGES, inFlight: IN_FLIGHT });
  return { messages: MESSAGES };
}

async function afterRun({ redisUrl = "" }: RunningServer): Promise<Metrics> {
  const redis = new Redis(redisUrl);
  const stats = await redis.info("all");
  const withAll = await usedMemory(redis);
  await remove(redis, await redis.keys("chat:{/cooking}:uuid:*"));
  const withoutKeys = await usedMemory(redis);
  await remove(redis, ["chat:{/cooking}:messages"]);
  const withoutMessages = await usedMemory(redis);
  redis.disconnect();
  const cpuSeconds = number(stats, /used_cpu_user:([\d.]+)/) + number(stats, /used_cpu_sys:([\d.]+)/);
  const scripts = number(stats, /cmdstat_evalsha:calls=(\d+)/);
  return {
    bytesPerKey: (withAll - withoutKeys) / MESSAGES,
    bytesPerMessage: (withoutKeys - withoutMessages) / MESSAGES,
    scriptsPerMessage: scripts / MESSAGES,
    readsPerMessage: number(stats, /cmdstat_xread:calls=(\d+)/) / MESSAGES,
    microsecondsPerScript: number(stats, /cmdstat_evalsha:.*?usec_per_call=([\d.]+)/),
    cpuMicrosecondsPerMessage: (cpuSeconds * 1e6) / MESSAGES,
    bytesInPerMessage: number(stats, /total_net_input_bytes:(\d+)/) / MESSAGES,
    bytesOutPerMessage: number(stats, /total_net_output_bytes:(\d+)/) / MESSAGES,
  };
}

async function usedMemory(redis: Redis): Promise<number> {
  return number(await redis.info("memory"), /used_memory:(\d+)/);
}

async function remove(redis: Redis, keys: string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += KEYS_PER_BATCH)
    await redis.del(keys.slice(start, start + KEYS_PER_BATCH));
}

function number(info: string, pattern: RegExp): number {
  return Number(pattern.exec(info)?.[1]);
}

export const redisMemory: Scenario = {
  name: "redisMemory",
  targets: TWO_NODES,
  rows: [
    { metric: "bytesPerMessage", label: "Memory of Redis per message", unit: "bytes" },
    { metric: "bytesPerKey", label: "Memory of Redis per idempotency key", unit: "bytes" },
  ],
  run,
  afterRun,
};
