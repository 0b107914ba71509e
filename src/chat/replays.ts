import type { ClientEventLog } from "../logger";
import type { MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../metrics";
import { closeOrTerminate, type Connection } from "./engine";
import { Replay } from "./replay";
import type { Rooms } from "./rooms";

export interface ReplaysOptions {
  messageLog: MessageLog;
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
  begin(socket: Connection, join: () => void): void {
    if (socket.data.optIns.resume === undefined && this.#options.replayOnConnect === 0) join();
    else void this.#replay(socket, join);
  }

  /** No tick may pass between the end of a replay and the joining. */
  async #replay(socket: Connection, join: () => void): Promise<void> {
    const { messageLog, rooms, replayOnConnect, log, metrics } = this.#options;
    try {
      const { resume } = socket.data.optIns;
      const replay = new Replay(socket, { log: messageLog, rooms: rooms.names(), metrics });
      const isUpToDate = await (resume === undefined
        ? replay.latest(replayOnConnect)
        : replay.missed(resume));
      if (isUpToDate) join();
      else closeOrTerminate(socket.conn);
    } catch (err) {
      log.error("replay failed", { id: socket.id, err });
      closeOrTerminate(socket.conn); // it comes back and tries again
    }
  }
}
