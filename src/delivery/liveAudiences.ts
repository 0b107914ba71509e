import { roomsOf } from "../access/identity";
import type { StoredMessage } from "../messageLog/messageLog";
import type { Connection } from "../connections/engine";
import type { SocketData } from "../connections/session";
import type { FanOut } from "./fanOut";
import { messagePacket, messagePacketWithOffset } from "./packet";
import { RoomListeners } from "./roomListeners";

/** The audiences of messages and of typing: each client is in those that fit its opt-ins and its rooms. */
export class LiveAudiences {
  /** Clients with `auth.typing`. */
  readonly typing: RoomListeners;
  readonly #base: RoomListeners;
  readonly #withOffsets: RoomListeners;

  /** `isBehind`: whether so much is queued for the connection that typing is not worth sending. */
  constructor(fanOut: FanOut, isBehind: (conn: Connection) => boolean) {
    this.#base = new RoomListeners(() => fanOut.audience("message"));
    this.#withOffsets = new RoomListeners(() => fanOut.audience("message"));
    this.typing = new RoomListeners(() => fanOut.audience("typing", isBehind));
  }

  /** The client receives typing from now on, if it opted in. Typing needs no replay. */
  joinTyping(conn: Connection, { optIns, identity }: SocketData): void {
    if (optIns.typing) this.typing.add(conn, roomsOf(identity));
  }

  /** The client receives every message from now on. It must have received those before, by a replay. */
  joinMessages(conn: Connection, { optIns, identity }: SocketData): void {
    (optIns.resume === undefined ? this.#base : this.#withOffsets).add(conn, roomsOf(identity));
  }

  leave(conn: Connection): void {
    for (const listeners of [this.#base, this.#withOffsets, this.typing]) listeners.remove(conn);
  }

  deliver(message: StoredMessage): void {
    this.#base.publish(message.room, () => messagePacket(message));
    this.#withOffsets.publish(message.room, () => messagePacketWithOffset(message));
  }
}
