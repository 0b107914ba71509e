import type { SharedParts } from "./chat/sharedParts";
import type { Stores } from "./chat/chatService";
import type { Config } from "./config";
import { EmbeddedMessageLog } from "./messageLog/embedded/embeddedMessageLog";
import { RedisMessageLog } from "./messageLog/redis/redisMessageLog";
import { RedisNodeBus } from "./nodes/redisNodeBus";
import type { Logger } from "./observability/logger";
import { MemoryPresenceStore } from "./presence/memoryPresenceStore";
import { RedisPresenceStore } from "./presence/redis/redisPresenceStore";

/** The stores that the configuration asks for: Redis, shared by any number of nodes, or this process and its disk. */
export function createStores(config: Config, logger: Logger, { rooms, metrics, log }: SharedParts): Stores {
  const { dataDir, redis, historyMaxMessages: maxMessages } = config;
  const roomNames = rooms.names();
  if (redis === undefined) {
    const messageLog = new EmbeddedMessageLog({ directory: dataDir, maxMessages, log });
    return { messageLog, presenceStore: new MemoryPresenceStore(roomNames), nodeBus: undefined };
  }
  const nodeBus = new RedisNodeBus(redis, log);
  return {
    messageLog: new RedisMessageLog({ redis, rooms: roomNames, maxMessages, log, metrics }),
    presenceStore: new RedisPresenceStore({ redis, bus: nodeBus, roomNames, logger }),
    nodeBus,
  };
}
