import type { ErrorEnvelope } from "../protocol/refusals";
import {
  EVENTS,
  type ChatMessage,
  type DataEnvelope,
  type HistoricalMessage,
  type PresenceDiff,
  type PresenceState,
  type Resumed,
  type TypingInformation,
} from "../protocol/events";
import { refusalOf, type ChatClientError } from "./chatClientError";

/** One handler per event of the server. */
export interface ServerEventHandlers {
  onMessage: (room: string, message: HistoricalMessage) => void;
  onResumed: (resumed: Resumed) => void;
  onPresenceState: (state: PresenceState) => void;
  onPresenceDiff: (diff: PresenceDiff) => void;
  onTyping: (typing: TypingInformation) => void;
  onRefusal: (refusal: ChatClientError) => void;
}

/** Calls the handler of an event. Room events are recognised by their leading `/`, so the list of rooms is not needed. */
export function dispatch(
  event: string,
  [envelope, offset]: readonly unknown[],
  to: ServerEventHandlers,
): void {
  if (event.startsWith("/")) {
    const { data } = envelope as DataEnvelope<ChatMessage>;
    if (typeof offset === "string") to.onMessage(event, { ...data, offset });
  } else if (event === EVENTS.resumed) {
    to.onResumed((envelope as DataEnvelope<Resumed>).data);
  } else if (event === EVENTS.presenceState) {
    to.onPresenceState((envelope as DataEnvelope<PresenceState>).data);
  } else if (event === EVENTS.presenceDiff) {
    to.onPresenceDiff((envelope as DataEnvelope<PresenceDiff>).data);
  } else if (event === EVENTS.typingInformation) {
    to.onTyping((envelope as DataEnvelope<TypingInformation>).data);
  } else if (event === EVENTS.serverError) {
    to.onRefusal(refusalOf(envelope as ErrorEnvelope));
  }
}
