import type { ErrorEnvelope } from "./refusals";
import type { ChatRoom, NewMessage, NewPresenceInformation, NewTypingInformation, Offset } from "./payloads";

/** Names of the events every client knows, as they stand on the wire. */
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

/** Body of every answer and broadcast that is not a refusal. */
export interface DataEnvelope<T> {
  data: T;
  error: null;
}

export type Envelope<T> = DataEnvelope<T> | ErrorEnvelope;

/** What a client whose handshake is refused gets as `connect_error`: an Error, with `data` beside its message. */
export interface ConnectError {
  message: string;
  data: {
    /** As in the error envelope. */
    status: number;
    /** One line per violation, where the `auth` fails its schema. */
    errors?: string[];
  };
}

/** A message as the members of its room receive it. */
export interface ChatMessage {
  /**
   * @minLength 1
   * @maxLength 4000
   */
  message: string;
  /**
   * @minLength 1
   * @maxLength 64
   */
  username: string;
  /** The server's own label and name. */
  chatRoom: ChatRoom;
  /**
   * The sender's own; two messages may have the same.
   * @minLength 1
   * @maxLength 64
   */
  uuid: string;
  /**
   * ISO 8601, UTC, milliseconds.
   * @format date-time
   * @pattern ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$
   */
  serverTimestamp: string;
}

/** Answer to an acked `new_message`. */
export interface MessageReceipt {
  /**
   * The message's.
   * @minLength 1
   * @maxLength 64
   */
  uuid: string;
  /**
   * ISO 8601, UTC, milliseconds.
   * @format date-time
   * @pattern ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$
   */
  serverTimestamp: string;
  offset: Offset;
  /** The message had been stored before, by an earlier try; this is that one's receipt. */
  duplicate: boolean;
}

/** Who is writing, in which room. */
export interface TypingInformation {
  /**
   * @minLength 1
   * @maxLength 64
   */
  username: string;
  chatRoom: ChatRoom;
  isTyping: boolean;
}

/** How one room was resumed. */
export interface ResumedRoom {
  /** False: messages may be missing, and the client should read history. */
  recovered: boolean;
  /**
   * How many messages were replayed.
   * @asType integer
   * @minimum 0
   */
  replayed: number;
  /** Where the live stream of the room begins. */
  offset: Offset;
}

export interface Resumed {
  rooms: Record<string, ResumedRoom>;
}

/** A message as history shows it. */
export type HistoricalMessage = ChatMessage & { offset: Offset };

/** Answer to `GET /rooms/<room>/messages`. */
export interface HistoryPage {
  /** Oldest first. */
  messages: HistoricalMessage[];
  /** What to pass for the page on that side; null where there is none. */
  before: Offset | null;
  after: Offset | null;
}

export interface PresentUser {
  /**
   * @minLength 1
   * @maxLength 64
   */
  username: string;
  /** @maxLength 2048 */
  avatar: string;
}

/** Every room has a key; users stand in order of arrival. */
export interface PresenceInformation {
  usersPerRoom: Record<string, PresentUser[]>;
}

/** A client as those see it who asked for presence by difference. */
export interface PresentClient extends PresentUser {
  /** Names the presence of one connection; means nothing to the server. */
  id: string;
}

/** Every room has a key; clients stand in order of arrival. */
export interface PresenceState {
  usersPerRoom: Record<string, PresentClient[]>;
}

/** What changed, room by room; `left` comes before `joined`. Rooms without a change have no key. */
export interface PresenceDiff {
  /** They stand at the end of the room; those who are there already have another name or avatar, and keep their place. */
  joined: Record<string, PresentClient[]>;
  /** Ids. */
  left: Record<string, string[]>;
}

/** The last argument of an event, when the client wants an answer; it is called exactly once. */
export type Ack<T> = (answer: Envelope<T>) => void;

export interface ClientToServerEvents {
  new_message: (payload: NewMessage, ack?: Ack<MessageReceipt>) => void;
  new_presence_information: (payload: NewPresenceInformation, ack?: Ack<PresenceInformation>) => void;
  new_typing_information: (payload: NewTypingInformation, ack?: Ack<Record<string, never>>) => void;
}

export interface ServerToClientEvents {
  presence_information: (envelope: DataEnvelope<PresenceInformation>) => void;
  presence_state: (envelope: DataEnvelope<PresenceState>) => void;
  presence_diff: (envelope: DataEnvelope<PresenceDiff>) => void;
  typing_information: (envelope: DataEnvelope<TypingInformation>) => void;
  resumed: (envelope: DataEnvelope<Resumed>) => void;
  server_error: (envelope: ErrorEnvelope) => void;
  /** One event per room, named like the room; the offset only for clients that asked to resume. */
  [room: `/${string}`]: (envelope: DataEnvelope<ChatMessage>, offset?: Offset) => void;
}
