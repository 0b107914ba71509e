import type { StoredMessage } from "../messageLog/messageLog";
import type { EngineConnection, OptIns } from "./engine";
import { packetOf, type Audience, type FanOut, type Packet } from "./fanOut";

/** Who hears what: each client is in the audiences that fit what it asked for. */
export class Audiences {
  /** Presence goes out first, so that nobody hears a message before its sender's arrival. */
  readonly presence: Audience;
  readonly typing: Audience;
  readonly #base: Audience;
  readonly #withOffsets: Audience;

  /** `isBehind`: who has so much to read that typing is not sent to it. */
  constructor(fanOut: FanOut, isBehind: (conn: EngineConnection) => boolean) {
    this.presence = fanOut.audience("presence");
    this.#base = fanOut.audience("message");
    this.#withOffsets = fanOut.audience("message");
    this.typing = fanOut.audience("typing", isBehind);
  }

  /** From now on the client hears who comes, goes and types: what needs no replay. */
  joinPresence(conn: EngineConnection, { typing }: OptIns): void {
    this.presence.add(conn);
    if (typing) this.typing.add(conn);
  }

  /** From now on the client hears every message. */
  joinMessages(conn: EngineConnection, { resume }: OptIns): void {
    (resume === undefined ? this.#base : this.#withOffsets).add(conn);
  }

  leave(conn: EngineConnection): void {
    for (const audience of [this.presence, this.#base, this.#withOffsets, this.typing]) audience.remove(conn);
  }

  deliver(message: StoredMessage): void {
    if (this.#base.size > 0) this.#base.publish(messagePacket(message));
    if (this.#withOffsets.size > 0) this.#withOffsets.publish(messagePacketWithOffset(message));
  }
}

/** The room's event as base clients get it: one argument. */
export function messagePacket({ room, json }: StoredMessage): Packet {
  return packetOf(room, `{"data":${json},"error":null}`);
}

/** The room's event as clients that resume get it. */
export function messagePacketWithOffset({ room, json, offset }: StoredMessage): Packet {
  return packetOf(room, `{"data":${json},"error":null}`, JSON.stringify(offset));
}
