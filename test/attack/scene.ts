import { loadConfig } from "../../src/config";
import { createStores } from "../../src/backend";
import { createSharedParts } from "../../src/chat/sharedParts";
import { createLogger } from "../../src/observability/logger";
import { DEFAULT_ROOMS } from "../../src/protocol/rooms";
import { MAX_MESSAGE_LENGTH } from "../../src/protocol/limits";
import { RedisServer } from "../support/redisServer";
import { ServiceProcess } from "../support/serviceProcess";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { Canary } from "./canary";
import type { Outcome } from "./outcome";
import { PeakMemory } from "./processFigures";

export type Store = "embedded" | "redis";
export type Size = "small" | "full";

export interface Setting {
  store: Store;
  size: Size;
  outcome: Outcome;
}

export interface Attack {
  name: string;
  stores: readonly Store[];
  /** Adds to `setting.outcome` what the service did. */
  run: (setting: Setting) => Promise<void>;
}

/** Where messages are stored. It outlives the service. Removed after the test. */
export interface Backing {
  /** DATA_DIR or REDIS_URL. */
  env: Record<string, string>;
  redis: RedisServer | undefined;
}

export interface Scene extends Backing {
  service: ServiceProcess;
  port: number;
  pid: number;
}

/** Limits of what others notice while an attack runs. Default, where no other is given: none. */
export interface Limits {
  /** Of a single message. Default: 1,000, the service's promise. */
  canaryMs?: number;
  /** Between two messages of the canary. Default: 100. */
  canaryIntervalMs?: number;
  serverBytes?: number;
  serverGrowthBytes?: number;
  redisGrowthBytes?: number;
}

/** 4,000 control characters, the message that is longest as JSON: 24 KB. */
export const LONGEST_TEXT = "\u0001".repeat(MAX_MESSAGE_LENGTH);

export async function createBacking(store: Store): Promise<Backing> {
  if (store === "embedded") return { env: { DATA_DIR: temporaryDirectory() }, redis: undefined };
  const redis = await RedisServer.start();
  return { env: { REDIS_URL: redis.url }, redis };
}

/**
 * Stores a first message in each room, then `count` messages with the text, one at a time, as one connection would over
 * some minutes. Resolves with room → offset of the first: what a client with `count` missed messages sends.
 */
export async function fillRooms(
  { env }: Backing,
  count: number,
  text: string,
): Promise<Record<string, string>> {
  const { messageLog } = createStores(loadConfig(env), createLogger("silent"), createSharedParts({}));
  await messageLog.start(() => undefined);
  const say = (index: number, message: string, chatRoom: (typeof DEFAULT_ROOMS)[number]) => {
    const serverTimestamp = new Date().toISOString();
    const content = { message, username: "writer", chatRoom, uuid: String(index), serverTimestamp };
    return messageLog.append(content, { idempotent: false });
  };
  const fill = async (room: (typeof DEFAULT_ROOMS)[number]): Promise<[string, string]> => {
    const { offset } = await say(0, "first", room);
    for (let index = 1; index <= count; index += 1) await say(index, text, room);
    return [room.name, offset];
  };
  const offsets = await Promise.all(DEFAULT_ROOMS.map(fill)).finally(() => messageLog.stop());
  return Object.fromEntries(offsets);
}

/** Starts the service with its default limits, changed by `env`. */
export async function startScene(backing: Backing, env: Record<string, string> = {}): Promise<Scene> {
  const service = await ServiceProcess.start({ ...backing.env, ...env });
  return { ...backing, service, port: service.port, pid: Number(service.child.pid) };
}

/** Runs the attack beside a canary; adds what the canary noticed, and the memory of the service and of Redis. */
export async function watch(
  { service, redis, pid }: Scene,
  outcome: Outcome,
  limits: Limits,
  attack: (canary: Canary) => Promise<void>,
): Promise<void> {
  const redisPid = redis === undefined ? [] : [redis.pid];
  const canary = await Canary.start({
    pids: [pid, ...redisPid],
    urls: [service.url, service.url],
    intervalMs: limits.canaryIntervalMs,
  });
  const server = new PeakMemory(pid);
  const redisMemory = redisPid.map((one) => new PeakMemory(one));
  try {
    await attack(canary);
  } finally {
    await canary.addTo(outcome, limits.canaryMs);
    canary.stop();
  }
  const { serverBytes = Infinity, serverGrowthBytes = Infinity, redisGrowthBytes = Infinity } = limits;
  addMemory(outcome, "server", server, serverBytes, serverGrowthBytes);
  for (const memory of redisMemory) addMemory(outcome, "Redis", memory, Infinity, redisGrowthBytes);
  outcome.expect("the service runs on", service.child.exitCode === null && service.child.signalCode === null);
}

function addMemory(outcome: Outcome, what: string, memory: PeakMemory, limit: number, growthLimit: number) {
  const peakBytes = memory.stop();
  outcome.note(`${what}, memory before`, memory.beforeBytes, "MB");
  outcome.atMost(`${what}, peak memory`, peakBytes, limit, "MB");
  outcome.atMost(`${what}, growth`, peakBytes - memory.beforeBytes, growthLimit, "MB");
}
