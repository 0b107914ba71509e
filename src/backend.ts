import type { NodeBus } from "./nodes/nodeBus";
import type { Config } from "./config";
import type { Logger } from "./observability/logger";
import { EmbeddedMessageLog } from "./messageLog/embedded/embeddedMessageLog";
import type { MessageLog } from "./messageLog/messageLog";
import { RedisMessageLog } from "./messageLog/redis/redisMessageLog";
import type { Metrics } from "./observability/metrics";
import { MemoryPresenceStore } from "./presence/memoryPresenceStore";
import type { PresenceStore } from "./presence/presenceStore";
import { RedisPresenceStore } from "./presence/redis/redisPresenceStore";
import { RedisNodeBus } from "./nodes/redisNodeBus";

/** What the service keeps its state in. */
export interface Backend {
  messageLog: MessageLog;
  presenceStore: PresenceStore;
  /** Undefined where this is the only node. */
  nodeBus: NodeBus | undefined;
}

/** With Redis any number of nodes are one service; without, one process has all it needs. */
export function createBackend(config: Config, logger: Logger, metrics: Metrics): Backend {
  const { dataDir, redis, chatRooms, historyMaxMessages: maxMessages } = config;
  const roomNames = chatRooms.map(({ name }) => name);
  if (redis === undefined) {
    const messageLog = new EmbeddedMessageLog({ directory: dataDir, maxMessages });
    return { messageLog, presenceStore: new MemoryPresenceStore(roomNames), nodeBus: undefined };
  }
  const nodeBus = new RedisNodeBus(redis);
  return {
    messageLog: new RedisMessageLog({ redis, rooms: roomNames, maxMessages, logger, metrics }),
    presenceStore: new RedisPresenceStore({ redis, bus: nodeBus, roomNames, logger }),
    nodeBus,
  };
}
