import type { ErrorEnvelope } from "../errors";
import type { ChatRoom, NewMessage, NewPresenceInformation } from "./payloads";

/** Names of the events every client knows, as they stand on the wire. */
export const EVENTS = {
  newMessage: "new_message",
  newPresenceInformation: "new_presence_information",
  presenceInformation: "presence_information",
  serverError: "server_error",
} as const;

/** Body of every answer and broadcast that is not a refusal. */
export interface DataEnvelope<T> {
  data: T;
  error: null;
}

export type Envelope<T> = DataEnvelope<T> | ErrorEnvelope;

/** A message as the members of its room receive it. */
export interface ChatMessage {
  message: string;
  username: string;
  /** The server's own label and name. */
  chatRoom: ChatRoom;
  uuid: string;
  /** ISO 8601, UTC, milliseconds. */
  serverTimestamp: string;
}

/** Answer to an acked `new_message`. */
export interface MessageReceipt {
  uuid: string;
  serverTimestamp: string;
}

export interface PresentUser {
  username: string;
  avatar: string;
}

/** Every room has a key; users stand in order of arrival. */
export interface PresenceInformation {
  usersPerRoom: Record<string, PresentUser[]>;
}

/** The last argument of an event, when the client wants an answer; it is called exactly once. */
export type Ack<T> = (answer: Envelope<T>) => void;

export interface ClientToServerEvents {
  new_message: (payload: NewMessage, ack?: Ack<MessageReceipt>) => void;
  new_presence_information: (payload: NewPresenceInformation, ack?: Ack<PresenceInformation>) => void;
}

export interface ServerToClientEvents {
  presence_information: (envelope: DataEnvelope<PresenceInformation>) => void;
  server_error: (envelope: ErrorEnvelope) => void;
  /** One event per room, named like the room. */
  [room: `/${string}`]: (envelope: DataEnvelope<ChatMessage>) => void;
}
