import { RedisServer } from "../support/redisServer";
import { TcpProxy } from "../support/tcpProxy";
import { RestartableService } from "./restartableService";

/** One of several nodes. */
export interface Node {
  readonly name: string;
  readonly service: RestartableService;
  /** The proxy between this node and Redis. */
  readonly redisProxy: TcpProxy;
}

/** Several nodes and their Redis. A fault can be caused in each part alone. */
export class Cluster {
  readonly redis: RedisServer;
  readonly nodes: readonly Node[];

  private constructor(redis: RedisServer, nodes: readonly Node[]) {
    this.redis = redis;
    this.nodes = nodes;
  }

  static async start(size: number): Promise<Cluster> {
    const redis = await RedisServer.start();
    const indices = Array.from({ length: size }, (_, index) => index);
    const nodes = await Promise.all(indices.map((index) => createNode(index, redis)));
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

  /** The error lines of every node, each with the name of its node. */
  get errors(): string[] {
    return this.nodes.flatMap(({ name, service }) => service.errors.map((line) => `${name}: ${line}`));
  }

  /** Ends the nodes. Redis and the proxies end after the test, or with `disposeOfAll`. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ service }) => service.end("SIGKILL")));
  }
}

async function createNode(index: number, redis: RedisServer): Promise<Node> {
  const redisProxy = await TcpProxy.to(redis.port);
  const REDIS_URL = `redis://127.0.0.1:${String(redisProxy.port)}`;
  return {
    name: `node ${String(index)}`,
    service: await RestartableService.create({ REDIS_URL }),
    redisProxy,
  };
}
