/*
 * What clients send, with its limits. `npm run schemas` generates `schemas/payloads.json` from these types, and
 * validation.ts compiles that file: a type and its check cannot disagree. Lengths count Unicode code points.
 * The order of the fields is the order in which missing ones are reported.
 */

/** A room. */
export interface ChatRoom {
  /** The text to show, e.g. `Cooking`. It does not identify the room. @minLength 1 @maxLength 64 */
  label: string;
  /** Identifies the room, and is the name of its event, e.g. `/cooking`. @minLength 1 @maxLength 64 */
  name: string;
}

/** Payload of `new_message`. */
export interface NewMessage {
  /** @minLength 1 @maxLength 64 */
  username: string;
  /** @minLength 1 @maxLength 4000 */
  message: string;
  /** Chosen by the sender: usually a v4 uuid, but any string is accepted. @minLength 1 @maxLength 64 */
  uuid: string;
  chatRoom: ChatRoom;
}

/** Payload of `new_typing_information`. */
export interface NewTypingInformation {
  /** @minLength 1 @maxLength 64 */
  username: string;
  chatRoom: ChatRoom;
  isTyping: boolean;
}

/** The `auth` of the Socket.IO handshake: what a client opts in to. */
export interface HandshakeAuth {
  /**
   * Opts in to offsets with room messages and to a replay. room name → the last offset received; null means
   * "from now on". `{}` is enough to opt in. Unknown rooms are ignored.
   * @maxProperties 1000
   */
  resume?: { [room: string]: Offset | null };
  /** Opts in to `typing_information`. */
  typing?: boolean;
  /** Opts in to `presence_state` and `presence_diff` instead of `presence_information`. */
  presence?: "diff";
  /** A JSON Web Token, where the server requires one. @maxLength 8192 */
  token?: string;
}

/** The position of a message in its room; opaque to clients. @maxLength 64 */
export type Offset = string;

/** Payload of `new_presence_information`: the user, and the room that it is in. */
export interface NewPresenceInformation {
  /** @minLength 1 @maxLength 64 */
  username: string;
  /** Usually a URL; any string is accepted. @maxLength 2048 */
  avatar: string;
  currentRoom: ChatRoom;
}
