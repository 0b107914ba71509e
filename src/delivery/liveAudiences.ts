import { roomsOf } from "../access/identity";
import type { StoredMessage } from "../messageLog/messageLog";
import type { Connection } from "../connections/engine";
import type { SocketData } from "../connections/session";
import type { FanOut } from "./fanOut";
import { messagePacket, messagePacketWithOffset } from "./packet";
import { RoomListeners } from "./roomListeners";

/** Who hears of messages and typing: each client is in the audiences that fit what it asked for and may hear. */
export class LiveAudiences {
  readonly typing: RoomListeners;
  readonly #base: RoomListeners;
  readonly #withOffsets: RoomListeners;

  /** `isBehind`: who has so much to read that typing is not sent to it. */
  constructor(fanOut: FanOut, isBehind: (conn: Connection) => boolean) {
    this.#base = new RoomListeners(() => fanOut.audience("message"));
    this.#withOffsets = new RoomListeners(() => fanOut.audience("message"));
    this.typing = new RoomListeners(() => fanOut.audience("typing", isBehind));
  }

  /** From now on the client hears who types, which needs no replay. */
  joinTyping(conn: Connection, { optIns, identity }: SocketData): void {
    if (optIns.typing) this.typing.add(conn, roomsOf(identity));
  }

  /** From now on the client hears every message. */
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
