import { RateLimit } from "../access/rateLimit";
import type { ChatLimits } from "../connections/limits";
import { EVENTS } from "../protocol/events";
import type { EventHandler } from "./eventHandler";
import { newMessage, type NewMessageDeps } from "./newMessage";
import { newPresenceInformation, type NewPresenceInformationDeps } from "./newPresenceInformation";
import { newTypingInformation, type NewTypingInformationDeps } from "./newTypingInformation";

/** Other names for the events that clients send, for deployments whose frontends use them. */
export interface EventNames {
  /** Default: `new_message`. */
  newMessageEventName?: string;
  /** Default: `new_presence_information`. */
  newPresenceInformationEventName?: string;
  /** Default: `new_typing_information`. */
  newTypingInformationEventName?: string;
}

export type EventHandlersDeps = NewMessageDeps & NewPresenceInformationDeps & NewTypingInformationDeps;

/** Event name → its handler, for every event that clients may send. */
export function eventHandlers(
  names: EventNames,
  limits: ChatLimits,
  deps: EventHandlersDeps,
): Map<string, EventHandler<unknown>> {
  const {
    newMessageEventName = EVENTS.newMessage,
    newPresenceInformationEventName = EVENTS.newPresenceInformation,
    newTypingInformationEventName = EVENTS.newTypingInformation,
  } = names;
  const messages = new RateLimit(limits.messagesPerSecond, limits.messagesBurst);
  const presence = new RateLimit(limits.presencePerSecond, limits.presenceBurst);
  const typing = new RateLimit(limits.typingPerSecond, limits.typingBurst);
  return new Map<string, EventHandler<unknown>>([
    [newMessageEventName, { limit: messages, handle: newMessage(deps) }],
    [newPresenceInformationEventName, { limit: presence, handle: newPresenceInformation(deps) }],
    [newTypingInformationEventName, { limit: typing, handle: newTypingInformation(deps) }],
  ]);
}
