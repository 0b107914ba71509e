import type { Config } from "./config";
import { EmbeddedMessageLog } from "./messageLog/embeddedMessageLog";
import type { MessageLog } from "./messageLog/messageLog";

/** What the service keeps its state in. */
export interface Backend {
  messageLog: MessageLog;
}

export function createBackend({ dataDir, historyMaxMessages }: Config): Backend {
  return { messageLog: new EmbeddedMessageLog({ directory: dataDir, maxMessages: historyMaxMessages }) };
}
