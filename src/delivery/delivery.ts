import type { StoredMessage, MessageLog } from "../messageLog/messageLog";
import type { ChatSocket, Connection } from "../connections/engine";
import type { ChatLimits } from "../connections/limits";
import type { NodeBus } from "../nodes/nodeBus";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import type { PresenceChange, PresenceStore } from "../presence/presenceStore";
import type { Rooms } from "../protocol/rooms";
import { LiveAudiences } from "./liveAudiences";
import { FanOut } from "./fanOut";
import { PresenceBroadcaster } from "./presence/presenceBroadcaster";
import { RecentMessages } from "./recentMessages";
import { Replay } from "./replay";
import { TypingClients } from "./typingClients";

export interface DeliveryDeps {
  messageLog: MessageLog;
  presenceStore: PresenceStore;
  nodeBus: NodeBus | undefined;
  rooms: Rooms;
  /** Messages of each room that a client which cannot resume receives on connecting. */
  replayOnConnect: number;
  limits: ChatLimits;
  /** `isBehind`: so much waits for the client that typing events are not sent to it. */
  connections: { isBehind: (conn: Connection) => boolean };
  log: ClientEventLog;
  metrics: Metrics;
}

/** Everything that clients receive: messages live and replayed, presence, typing. */
export class Delivery {
  readonly typing: TypingClients;
  readonly #fanOut: FanOut;
  readonly #audiences: LiveAudiences;
  readonly #recent = new RecentMessages();
  readonly #replay: Replay;
  readonly #presence: PresenceBroadcaster;

  constructor(deps: DeliveryDeps) {
    const { nodeBus, rooms, connections, metrics } = deps;
    this.#fanOut = new FanOut(metrics);
    this.#audiences = new LiveAudiences(this.#fanOut, (conn) => connections.isBehind(conn));
    this.#replay = new Replay({ ...deps, recent: this.#recent });
    this.#presence = new PresenceBroadcaster({ ...deps, fanOut: this.#fanOut });
    this.typing = new TypingClients(this.#audiences.typing, rooms, nodeBus);
  }

  /** Sends the stored message to all clients that may read its room, by the end of this turn of the event loop. */
  deliver(message: StoredMessage, isMoreComing: boolean): void {
    this.#recent.add(message);
    this.#fanOut.schedule.expectMore(isMoreComing);
    this.#audiences.deliver(message);
  }

  /** Sends the changes of presence as soon as the byte budget has room for them; nothing after `stopPresence()`. */
  deliverPresence(changes: readonly PresenceChange[]): void {
    this.#presence.onChanges(changes);
  }

  /** The client receives presence and typing from now on, and messages once its replay is complete. */
  join(socket: ChatSocket): void {
    const { conn, data } = socket;
    this.#presence.join(conn, data);
    this.#audiences.joinTyping(conn, data);
    this.#replay.begin(socket, () => {
      if (conn.readyState === "open") this.#audiences.joinMessages(conn, data);
    });
  }

  /** The client receives nothing more. */
  leave(conn: Connection): void {
    this.#audiences.leave(conn);
    this.#presence.leave(conn);
  }

  /** Writes out now what waits for the end of the turn. */
  flush(): void {
    this.#fanOut.schedule.flushNow();
  }

  /** Messages were lost before this node could deliver them: no replay may continue across the gap. */
  onGap(): void {
    this.#fanOut.schedule.flushNow();
    this.#recent.clear();
  }

  /** From now on no presence is sent: while all clients leave, each change would only cost. */
  stopPresence(): void {
    this.#presence.stop();
  }
}
