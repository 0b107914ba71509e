import { RedisServer } from "../support/redisServer";
import { TcpProxy } from "../support/tcpProxy";
import { RestartableService } from "./restartableService";

/** One of several nodes, and its line to Redis. */
export interface Node {
  readonly name: string;
  readonly service: RestartableService;
  readonly line: TcpProxy;
}

/** Several nodes and the Redis that makes them one service; each can be harmed on its own. */
export class Cluster {
  readonly redis: RedisServer;
  readonly nodes: readonly Node[];

  private constructor(redis: RedisServer, nodes: readonly Node[]) {
    this.redis = redis;
    this.nodes = nodes;
  }

  static async start(size: number): Promise<Cluster> {
    const redis = await RedisServer.start();
    const nodes = await Promise.all(
      Array.from({ length: size }, async (_, index) => {
        const line = await TcpProxy.to(redis.port);
        const REDIS_URL = `redis://127.0.0.1:${String(line.port)}`;
        const limits = { PRESENCE_PER_SECOND: "0", REDIS_URL };
        return { name: `node ${String(index)}`, service: await RestartableService.on(limits), line };
      }),
    );
    const cluster = new Cluster(redis, nodes);
    try {
      await Promise.all(nodes.map(({ service }) => service.start()));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get urls(): string[] {
    return this.nodes.map(({ service }) => service.url);
  }

  get complaints(): string[] {
    return this.nodes.flatMap(({ name, service }) => service.complaints.map((what) => `${name}: ${what}`));
  }

  /** Redis and the lines to it end with the test, or with `disposeOfAll`. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ service }) => service.end("SIGKILL")));
  }
}
