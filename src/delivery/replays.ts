import { roomsOf } from "../access/identity";
import type { ClientEventLog } from "../observability/logger";
import { StoreError, type MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../observability/metrics";
import { closeOrTerminate, type ChatSocket } from "../connections/engine";
import type { RecentMessages } from "./recentMessages";
import { Replay } from "./replay";
import type { Rooms } from "../protocol/rooms";

export interface ReplaysOptions {
  messageLog: MessageLog;
  /** Knows everything that was delivered last. */
  recent: RecentMessages;
  rooms: Rooms;
  /** How many messages of each room a client that cannot resume gets. */
  replayOnConnect: number;
  log: ClientEventLog;
  metrics: Metrics;
}

/** Stands between a client's arrival and its hearing messages live: each first gets what it is to have by then. */
export class Replays {
  readonly #options: ReplaysOptions;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /** Calls `join` in the very tick in which the client is up to date; never, if it does not get there. */
  begin(socket: ChatSocket, join: () => void): void {
    if (socket.data.optIns.resume === undefined && this.#options.replayOnConnect === 0) join();
    else void this.#replay(socket, join);
  }

  /** No tick may pass between the end of a replay and the joining. */
  async #replay(socket: ChatSocket, join: () => void): Promise<void> {
    const { messageLog, recent, rooms, replayOnConnect, log, metrics } = this.#options;
    try {
      const { optIns, identity } = socket.data;
      const { resume } = optIns;
      const audible = rooms.names().filter((room) => roomsOf(identity).includes(room));
      const replay = new Replay(socket, { log: messageLog, recent, rooms: audible, metrics });
      const isUpToDate = await (resume === undefined
        ? replay.latest(replayOnConnect)
        : replay.missed(resume));
      if (isUpToDate) join();
      else closeOrTerminate(socket.conn);
    } catch (err) {
      // Whoever keeps the log has said why already, and the log may be away for long.
      if (err instanceof StoreError) log.warn("replay failed", { id: socket.id, reason: err.message });
      else log.error("replay failed", { id: socket.id, err });
      closeOrTerminate(socket.conn); // it comes back and tries again
    }
  }
}
