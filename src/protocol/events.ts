import type { ErrorEnvelope } from "./refusals";
import type { ChatRoom, NewMessage, NewPresenceInformation, NewTypingInformation, Offset } from "./payloads";

/** The names of all events except those of the rooms. */
export const EVENTS = {
  newMessage: "new_message",
  newPresenceInformation: "new_presence_information",
  newTypingInformation: "new_typing_information",
  presenceInformation: "presence_information",
  presenceState: "presence_state",
  presenceDiff: "presence_diff",
  typingInformation: "typing_information",
  resumed: "resumed",
  serverError: "server_error",
} as const;

/** What is sent for everything but a refusal: broadcasts, acks and HTTP answers. */
export interface DataEnvelope<T> {
  data: T;
  error: null;
}

export type Envelope<T> = DataEnvelope<T> | ErrorEnvelope;

/** The Error of `connect_error`, which a client receives when its handshake is refused. */
export interface ConnectError {
  message: string;
  data: {
    /** An HTTP status, as in the error envelope. */
    status: number;
    /** One line per violation of the schema of `auth`; absent for other refusals. */
    errors?: string[];
  };
}

/**
 * ISO 8601 in UTC, with milliseconds.
 * @format date-time
 * @pattern ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$
 */
type Timestamp = string;

/** The payload of a room event. */
export interface ChatMessage {
  /** @minLength 1 @maxLength 4000 */
  message: string;
  /** @minLength 1 @maxLength 64 */
  username: string;
  /** The room with the server's label, whatever label the sender used. */
  chatRoom: ChatRoom;
  /** Chosen by the sender; two messages may have the same one. @minLength 1 @maxLength 64 */
  uuid: string;
  serverTimestamp: Timestamp;
}

/** Answer to an acked `new_message`. */
export interface MessageReceipt {
  /** The uuid of the message. @minLength 1 @maxLength 64 */
  uuid: string;
  serverTimestamp: Timestamp;
  offset: Offset;
  /** True if an earlier attempt stored the message; the other fields are those of that attempt. */
  duplicate: boolean;
}

/** A user starts or stops typing in a room. */
export interface TypingInformation {
  /** @minLength 1 @maxLength 64 */
  username: string;
  chatRoom: ChatRoom;
  isTyping: boolean;
}

/** The result of resuming one room. */
export interface ResumedRoom {
  /** False if messages may be missing; the client reads history instead. */
  recovered: boolean;
  /** The number of messages that were replayed. @asType integer @minimum 0 */
  replayed: number;
  /** The offset after which the live stream of the room begins. */
  offset: Offset;
}

/** Sent once after the replay, with all rooms of the client. */
export interface Resumed {
  /** room name → result */
  rooms: Record<string, ResumedRoom>;
}

/** A message with its offset, as a page of history has it. */
export type HistoricalMessage = ChatMessage & { offset: Offset };

/** A user in a room. */
export interface PresentUser {
  /** @minLength 1 @maxLength 64 */
  username: string;
  /** Usually a URL; any string. @maxLength 2048 */
  avatar: string;
}

/** The users of all rooms. */
export interface PresenceInformation {
  /** room name → its users, in order of arrival; every room has a key */
  usersPerRoom: Record<string, PresentUser[]>;
}

/** A user in a room, for clients with presence by difference. */
export interface PresentClient extends PresentUser {
  /** Identifies the presence of one connection; it is not the socket id. */
  id: string;
}

/** The clients of all rooms. */
export interface PresenceState {
  /** room name → its clients, in order of arrival; every room has a key */
  usersPerRoom: Record<string, PresentClient[]>;
}

/** The changes since the last `presence_state` or `presence_diff`. Apply `left` before `joined`. Rooms without a change have no key. */
export interface PresenceDiff {
  /** room name → clients to append. One whose id is already there has a new name or avatar: replace it in place. */
  joined: Record<string, PresentClient[]>;
  /** room name → ids of the clients that left */
  left: Record<string, string[]>;
}

/** The callback that a client passes as the last argument of an event. It is called exactly once. */
export type Ack<T> = (answer: Envelope<T>) => void;

/** Events that clients send: payload, then an optional callback. */
export interface ClientToServerEvents {
  new_message: (payload: NewMessage, ack?: Ack<MessageReceipt>) => void;
  new_presence_information: (payload: NewPresenceInformation, ack?: Ack<PresenceInformation>) => void;
  new_typing_information: (payload: NewTypingInformation, ack?: Ack<Record<string, never>>) => void;
}

/** Events that the server sends. */
export interface ServerToClientEvents {
  presence_information: (envelope: DataEnvelope<PresenceInformation>) => void;
  presence_state: (envelope: DataEnvelope<PresenceState>) => void;
  presence_diff: (envelope: DataEnvelope<PresenceDiff>) => void;
  typing_information: (envelope: DataEnvelope<TypingInformation>) => void;
  resumed: (envelope: DataEnvelope<Resumed>) => void;
  server_error: (envelope: ErrorEnvelope) => void;
  /** One event per room, named like the room. Clients that opted in to resuming receive the offset, too. */
  [room: `/${string}`]: (envelope: DataEnvelope<ChatMessage>, offset?: Offset) => void;
}
