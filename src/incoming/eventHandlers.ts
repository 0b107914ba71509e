import type { MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../observability/metrics";
import type { PresenceStore } from "../presence/presenceStore";
import { EVENTS } from "../protocol/events";
import type { EventHandler } from "./eventHandler";
import type { ChatLimits } from "../connections/limits";
import { newMessage } from "./newMessage";
import { newPresenceInformation } from "./newPresenceInformation";
import { newTypingInformation } from "./newTypingInformation";
import { RateLimit } from "../access/rateLimit";
import type { Rooms } from "../protocol/rooms";
import type { TypingClients } from "../delivery/typingClients";

/** A deployment may name the events that clients send after its own fashion. */
export interface EventNames {
  /** The event by which clients send messages. */
  newMessageEventName?: string;
  /** The event by which clients tell who they are and which room they are in. */
  newPresenceInformationEventName?: string;
  /** The event by which clients tell that they are writing. */
  newTypingInformationEventName?: string;
}

export interface EventHandlersDeps {
  rooms: Rooms;
  log: MessageLog;
  store: PresenceStore;
  typing: TypingClients;
  metrics: Metrics;
}

/** Every event that clients may send: its name → what to do with it. */
export function eventHandlers(
  names: EventNames,
  limits: ChatLimits,
  parts: EventHandlersDeps,
): Map<string, EventHandler<unknown>> {
  const messages = new RateLimit(limits.messagesPerSecond, limits.messagesBurst);
  const presence = new RateLimit(limits.presencePerSecond, limits.presenceBurst);
  const typing = new RateLimit(limits.typingPerSecond, limits.typingBurst);
  const {
    newMessageEventName = EVENTS.newMessage,
    newPresenceInformationEventName = EVENTS.newPresenceInformation,
    newTypingInformationEventName = EVENTS.newTypingInformation,
  } = names;
  return new Map<string, EventHandler<unknown>>([
    [newMessageEventName, newMessage(messages, parts)],
    [newPresenceInformationEventName, newPresenceInformation(presence, parts)],
    [newTypingInformationEventName, newTypingInformation(typing, parts)],
  ]);
}
