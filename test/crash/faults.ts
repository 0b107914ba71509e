import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../support/random";
import type { Cluster, Node } from "./cluster";

/** Causes a fault and ends it. When the promise resolves, only recovery is left. */
type Fault = (cluster: Cluster, node: Node, random: Random) => Promise<void>;

const FULL: [string, string] = ["maxmemory", "1"];
const NOT_FULL: [string, string] = ["maxmemory", "0"];

export const FAULTS: Readonly<Record<string, Fault>> = {
  "node killed": async (_cluster, { service }) => {
    await service.end("SIGKILL");
    await service.start();
  },
  "node ended": async (_cluster, { service }) => {
    const code = await service.end("SIGTERM");
    if (code !== 0) throw new Error(`exit code ${String(code)} after SIGTERM`);
    await service.start();
  },
  "node frozen": async (_cluster, { service }, random) => {
    service.freeze();
    await pause(random.between(1_000, 3_000));
    service.thaw();
  },
  "node cut off": async (_cluster, { redisProxy }, random) => {
    redisProxy.cut();
    await pause(random.between(100, 3_000));
    redisProxy.mend();
  },
  "node's line dead": async (_cluster, { redisProxy }, random) => {
    redisProxy.silence();
    await pause(random.between(100, 3_000));
    redisProxy.mend();
  },
  "Redis killed": async ({ redis }, _node, random) => {
    await redis.kill();
    await pause(random.between(0, 1_000));
    await redis.start();
  },
  "Redis frozen": async ({ redis }, _node, random) => {
    redis.freeze();
    await pause(random.between(2_000, 4_000));
    redis.thaw();
  },
  "Redis full": async ({ redis }) => {
    await redis.control.config("SET", ...FULL);
    await pause(1_000);
    await redis.control.config("SET", ...NOT_FULL);
  },
  "Redis read-only": async ({ redis }) => {
    await redis.control.replicaof("127.0.0.1", 1);
    await pause(1_000);
    await redis.control.replicaof("NO", "ONE");
  },
  "Redis drops all": async ({ redis }, _node, random) => {
    for (let times = random.between(1, 5); times > 0; times -= 1) {
      for (const type of ["NORMAL", "PUBSUB"]) await redis.control.call("CLIENT", "KILL", "TYPE", type);
      await pause(random.between(0, 200));
    }
  },
};

/** Restarts Redis without its data. Messages acked before are lost then, and this breaks no promise. */
export const DATA_LOSS: Fault = async ({ redis }, _node, random) => {
  await redis.kill();
  await pause(random.between(0, 1_000));
  await redis.startEmpty();
};
