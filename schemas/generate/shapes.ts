import type { ErrorEnvelope } from "../../src/protocol/refusals";
import type { Health, RoomList } from "../../src/protocol/answers";
import type {
  ChatMessage,
  ConnectError,
  DataEnvelope,
  HistoryPage,
  MessageReceipt,
  PresenceDiff,
  PresenceInformation,
  PresenceState,
  Resumed,
  TypingInformation,
} from "../../src/protocol/events";
import type {
  HandshakeAuth,
  NewMessage,
  NewPresenceInformation,
  NewTypingInformation,
  Offset,
} from "../../src/protocol/payloads";

/** An object without a field: there is nothing to tell but that it was done. */
export type Nothing = Record<string, never>;

/** Every shape that the documents refer to, under the name that it has there. */
export interface Shapes {
  HandshakeAuth: HandshakeAuth;
  ConnectError: ConnectError;
  NewMessage: NewMessage;
  NewPresenceInformation: NewPresenceInformation;
  NewTypingInformation: NewTypingInformation;
  Offset: Offset;
  ChatMessageEnvelope: DataEnvelope<ChatMessage>;
  MessageReceiptEnvelope: DataEnvelope<MessageReceipt>;
  PresenceInformationEnvelope: DataEnvelope<PresenceInformation>;
  PresenceStateEnvelope: DataEnvelope<PresenceState>;
  PresenceDiffEnvelope: DataEnvelope<PresenceDiff>;
  TypingInformationEnvelope: DataEnvelope<TypingInformation>;
  ResumedEnvelope: DataEnvelope<Resumed>;
  NothingEnvelope: DataEnvelope<Nothing>;
  ErrorEnvelope: ErrorEnvelope;
  RoomListEnvelope: DataEnvelope<RoomList>;
  HistoryPageEnvelope: DataEnvelope<HistoryPage>;
  HealthEnvelope: DataEnvelope<Health>;
}

export type ShapeName = keyof Shapes;

/** The name of the shape that is T: a table that names another one does not compile. */
export type NameOf<T> = {
  [Name in ShapeName]: [Shapes[Name], T] extends [T, Shapes[Name]] ? Name : never;
}[ShapeName];
