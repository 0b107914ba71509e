import { FairQueue } from "../access/fairQueue";
import { roomsOf } from "../access/identity";
import type { ChatSocket, Connection } from "../connections/engine";
import type { SlowConsumers } from "../connections/slowConsumers";
import type { StoredMessage } from "../messageLog/messageLog";
import type { NodeBus } from "../nodes/nodeBus";
import { FanOut } from "./fanOut";
import { messagePacket, messagePacketWithOffset } from "./packet";
import { PresenceBroadcaster, type PresenceDeps } from "./presence/presenceBroadcaster";
import { Replay, type ReplayDeps } from "./replay";
import { ReplayPages } from "./replayPages";
import { RoomListeners } from "./roomListeners";
import { TypingClients } from "./typingClients";

const MAX_REPLAY_READS = 4; // pages of replays that are read at a time, and sent in one turn of the event loop

export interface DeliveryDeps extends Omit<ReplayDeps, "pages" | "queue">, Omit<PresenceDeps, "fanOut"> {
  nodeBus: NodeBus | undefined;
  /** Typing events are not sent to clients that are behind. */
  slowConsumers: SlowConsumers;
}

/** Everything that clients receive: messages live and replayed, presence, typing. */
export class Delivery {
  readonly typing: TypingClients;
  readonly presence: PresenceBroadcaster;
  readonly #fanOut: FanOut;
  readonly #base: RoomListeners;
  readonly #withOffsets: RoomListeners;
  readonly #typingListeners: RoomListeners;
  readonly #replayPages: ReplayPages;
  readonly #replayDeps: ReplayDeps;

  constructor(deps: DeliveryDeps) {
    const fanOut = new FanOut(deps.metrics);
    const isBehind = (conn: Connection) => deps.slowConsumers.isBehind(conn);
    this.#fanOut = fanOut;
    this.#base = new RoomListeners(() => fanOut.audience("message"));
    this.#withOffsets = new RoomListeners(() => fanOut.audience("message"));
    this.#typingListeners = new RoomListeners(() => fanOut.audience("typing", isBehind));
    this.#replayPages = new ReplayPages(deps.messageLog);
    this.#replayDeps = { ...deps, pages: this.#replayPages, queue: new FairQueue(MAX_REPLAY_READS) };
    this.presence = new PresenceBroadcaster({ ...deps, fanOut });
    this.typing = new TypingClients(this.#typingListeners, deps.rooms, deps.nodeBus);
  }

  /** Sends the stored message to all clients that may read its room, by the end of this turn of the event loop. */
  deliver(message: StoredMessage, isMoreComing: boolean): void {
    this.#replayPages.add(message);
    this.#fanOut.schedule.expectMore(isMoreComing);
    this.#base.publish(message.room, () => messagePacket(message));
    this.#withOffsets.publish(message.room, () => messagePacketWithOffset(message));
  }

  /** The client receives presence and typing from now on, and messages once its replay is complete. */
  join(socket: ChatSocket): void {
    const { conn, data } = socket;
    const { resume, typing } = data.optIns;
    const rooms = roomsOf(data.identity);
    const listeners = resume === undefined ? this.#base : this.#withOffsets;
    this.presence.join(conn, data);
    if (typing) this.#typingListeners.add(conn, rooms);
    const joinMessages = () => {
      if (conn.readyState === "open") listeners.add(conn, rooms);
    };
    if (resume === undefined && this.#replayDeps.replayOnConnect === 0) joinMessages();
    else void new Replay(this.#replayDeps, socket).run(joinMessages);
  }

  /** The client receives nothing more. */
  leave(conn: Connection): void {
    for (const listeners of [this.#base, this.#withOffsets, this.#typingListeners]) listeners.remove(conn);
    this.presence.leave(conn);
  }

  flush(): void {
    this.#fanOut.schedule.flushNow();
  }

  /** Messages were lost before this node could deliver them: no replay may step over the gap. */
  onGap(): void {
    this.flush();
    this.#replayPages.clear();
  }
}
