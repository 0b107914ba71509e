import type { TypingInformation } from "../protocol/events";
import { EVENTS } from "../protocol/events";
import { validateNewTypingInformation } from "../protocol/validate";
import type { EngineConnection } from "./engine";
import { packetOf, type Audience } from "./fanOut";
import type { IncomingEvent } from "./incomingEvent";
import type { RateLimit } from "./rateLimit";
import type { Rooms } from "./rooms";

/** Who is typing now, so that a client that vanishes can be said to have stopped. */
export class TypingClients {
  readonly #audience: Audience;
  /** connection → room and user name → what it last said, while that was "typing" */
  readonly #typing = new Map<EngineConnection, Map<string, TypingInformation>>();

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  update(conn: EngineConnection, typing: TypingInformation): void {
    const inRooms = this.#typing.get(conn) ?? new Map<string, TypingInformation>();
    const key = JSON.stringify([typing.chatRoom.name, typing.username]);
    if (typing.isTyping) inRooms.set(key, typing);
    else inRooms.delete(key);
    if (inRooms.size > 0) this.#typing.set(conn, inRooms);
    else this.#typing.delete(conn);
    this.#publish(conn, typing);
  }

  vanished(conn: EngineConnection): void {
    const inRooms = this.#typing.get(conn) ?? new Map<string, TypingInformation>();
    this.#typing.delete(conn);
    for (const typing of inRooms.values()) this.#publish(conn, { ...typing, isTyping: false });
  }

  #publish(conn: EngineConnection, data: TypingInformation): void {
    this.#audience.publish(packetOf(EVENTS.typingInformation, JSON.stringify({ data, error: null })), conn);
  }
}

/** `new_typing_information`: relayed to the others that asked for it, best effort, never stored. */
export function newTypingInformation(
  limit: RateLimit,
  { rooms, typing }: { rooms: Rooms; typing: TypingClients },
): IncomingEvent<Record<string, never>> {
  return {
    limit,
    handle: (payload, { conn }) => {
      const { username, chatRoom, isTyping } = validateNewTypingInformation(payload);
      const room = rooms.get(chatRoom.name);
      // It may have left since it sent this; then nobody would say that it stopped.
      if (conn.readyState === "open") typing.update(conn, { username, chatRoom: room, isTyping });
      return {};
    },
  };
}
