/*
 * What travels on the wire, with its limits. `npm run schemas` turns this file into `schemas/payloads.json`,
 * which `validate.ts` compiles: a type and its check cannot disagree. Lengths count Unicode code points.
 * The order of the fields is the order in which missing ones are reported.
 */

/** A room as clients name it. */
export interface ChatRoom {
  /**
   * What people see, e.g. `Cooking`. Only `name` decides which room is meant.
   * @minLength 1
   * @maxLength 64
   */
  label: string;
  /**
   * The room's identity and the name of its event, e.g. `/cooking`.
   * @minLength 1
   * @maxLength 64
   */
  name: string;
}

/** Payload of `new_message`. */
export interface NewMessage {
  /**
   * @minLength 1
   * @maxLength 64
   */
  username: string;
  /**
   * @minLength 1
   * @maxLength 4000
   */
  message: string;
  /**
   * Chosen by the sender; a v4 uuid is usual, any string is accepted.
   * @minLength 1
   * @maxLength 64
   */
  uuid: string;
  chatRoom: ChatRoom;
}

/** Payload of `new_typing_information`. */
export interface NewTypingInformation {
  /**
   * @minLength 1
   * @maxLength 64
   */
  username: string;
  chatRoom: ChatRoom;
  isTyping: boolean;
}

/** What a client may ask for with the `auth` of its Socket.IO handshake. */
export interface HandshakeAuth {
  /**
   * Asks for offsets with room messages and for a replay: for each room the last offset seen, or null for
   * "from now on". `{}` is enough to opt in; rooms the server does not have are ignored.
   * @maxProperties 1000
   */
  resume?: { [room: string]: Offset | null };
  /** Asks for `typing_information`. */
  typing?: boolean;
  /** Asks for `presence_state` and `presence_diff` instead of `presence_information`. */
  presence?: "diff";
  /**
   * A JSON Web Token that says who the client is, where the server asks for one.
   * @maxLength 8192
   */
  token?: string;
}

/**
 * The place of a message in its room; opaque to clients.
 * @maxLength 64
 */
export type Offset = string;

/** Payload of `new_presence_information`: who the client is and the room it is looking at. */
export interface NewPresenceInformation {
  /**
   * @minLength 1
   * @maxLength 64
   */
  username: string;
  /**
   * Usually a URL; any string is accepted.
   * @maxLength 2048
   */
  avatar: string;
  currentRoom: ChatRoom;
}
