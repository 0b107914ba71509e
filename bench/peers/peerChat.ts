/** What both peers share: light validation, the envelopes of the contract, the presence map. */

import { ROOMS, type Room } from "../rooms";

export interface NewMessage {
  message: string;
  username: string;
  chatRoom: Room;
  uuid: string;
}

export interface NewPresence {
  username: string;
  avatar: string;
  currentRoom: Room;
}

interface User {
  username: string;
  avatar: string;
}

const ROOM_LABELS = new Map(ROOMS.map(({ name, label }) => [name, label]));

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isKnownRoom(value: unknown): value is Room {
  return (
    isObject(value) &&
    typeof value.label === "string" &&
    typeof value.name === "string" &&
    ROOM_LABELS.has(value.name)
  );
}

export function isNewMessage(value: unknown): value is NewMessage {
  return (
    isObject(value) &&
    typeof value.message === "string" &&
    typeof value.username === "string" &&
    typeof value.uuid === "string" &&
    isKnownRoom(value.chatRoom)
  );
}

export function isNewPresence(value: unknown): value is NewPresence {
  return (
    isObject(value) &&
    typeof value.username === "string" &&
    typeof value.avatar === "string" &&
    isKnownRoom(value.currentRoom)
  );
}

export function messageEnvelope({ message, username, chatRoom, uuid }: NewMessage) {
  return {
    data: {
      message,
      username,
      chatRoom: { label: ROOM_LABELS.get(chatRoom.name), name: chatRoom.name },
      uuid,
      serverTimestamp: new Date().toISOString(),
    },
    error: null,
  };
}

/** The presence of each connection. `set` and `delete` return whether the change must be broadcast. */
export class PresenceMap<Connection> {
  private readonly byConnection = new Map<Connection, NewPresence>();

  set(connection: Connection, presence: NewPresence): boolean {
    const previous = this.byConnection.get(connection);
    this.byConnection.set(connection, presence);
    return previous?.currentRoom.name !== presence.currentRoom.name;
  }

  delete(connection: Connection): boolean {
    return this.byConnection.delete(connection);
  }

  envelope() {
    const usersPerRoom: Record<string, User[]> = {};
    for (const name of ROOM_LABELS.keys()) usersPerRoom[name] = [];
    for (const { username, avatar, currentRoom } of this.byConnection.values()) {
      usersPerRoom[currentRoom.name]?.push({ username, avatar });
    }
    return { data: { usersPerRoom }, error: null };
  }
}
