import type { ErrorEnvelope } from "../../src/protocol/refusals";
import { describeWithBinary } from "../support/binaries";
import { freePort } from "../support/freePort";
import { RedisServer } from "../support/redisServer";
import { ServiceProcess } from "../support/serviceProcess";
import { startStopwatch } from "../support/stopwatch";
import { until } from "../support/until";

const WATCHED_MS = 1_500; // longer than several attempts to connect at the usual pace

/** Starts the service, and watches it for a while. Returns what it logged and why it is not ready. */
async function watch(REDIS_URL: string) {
  const service = new ServiceProcess({ REDIS_URL });
  const isFailing = () => service.stdout.includes("message log failing");
  await until("it has tried to use Redis", isFailing);
  const elapsedMs = startStopwatch();
  await until("it was watched for long enough", () => elapsedMs() > WATCHED_MS);
  const { error } = (await (await fetch(`${service.url}/readyz`)).json()) as ErrorEnvelope;
  expect({ exitCode: service.child.exitCode, stderr: service.stderr }).toEqual({
    exitCode: null,
    stderr: "",
  });
  const warnings = service.lines.filter(({ level }) => Number(level) > 30).map(({ msg }) => msg);
  return { warnings, reasons: error.errors };
}

describeWithBinary(
  "redis-server",
  "a Redis that cannot be used is named in one line, and the service is not ready:",
  () => {
    test("a database that does not exist", async () => {
      const redis = await RedisServer.start({ options: ["--databases", "2"] });
      const problem = "message log failing: REDIS_URL names a database that Redis does not have";
      const { warnings, reasons } = await watch(`${redis.url}/2`);
      expect(warnings).toEqual([problem]);
      expect(reasons).toEqual(["starting", problem.replace(" failing", "")]);
      expect(await redis.control.dbsize()).toBe(0);
    });

    test("a Redis Cluster", async () => {
      const busPort = String(await freePort()); // by default 10,000 above the port, which may be in use
      const redis = await RedisServer.start({
        options: ["--cluster-enabled", "yes", "--cluster-port", busPort],
      });
      await redis.control.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
      const isUp = async () =>
        String(await redis.control.call("CLUSTER", "INFO")).includes("cluster_state:ok");
      await until("the cluster serves all slots", isUp);
      const { warnings, reasons } = await watch(redis.url);
      const problem = "message log failing: REDIS_URL names a Redis Cluster; the service needs a Redis without cluster mode"; // prettier-ignore
      expect(warnings).toEqual([problem]);
      expect(reasons).toEqual(["starting", problem.replace(" failing", "")]);
    });
  },
);

describeWithBinary("redis-server", "with a database of Redis", () => {
  test("that exists, the service keeps everything in it", async () => {
    const redis = await RedisServer.start();
    await ServiceProcess.start({ REDIS_URL: `${redis.url}/3` });
    expect(await redis.control.dbsize()).toBe(0);
    await redis.control.select(3);
    expect(await redis.control.dbsize()).toBeGreaterThan(0);
  });
});
