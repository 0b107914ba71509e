import { RateLimit } from "../access/rateLimit";
import type { ChatLimits } from "../connections/limits";
import { EVENTS } from "../protocol/events";
import type { EventHandler, HandlerDeps } from "./eventHandler";
import { newMessage } from "./newMessage";
import { newPresenceInformation } from "./newPresenceInformation";
import { newTypingInformation } from "./newTypingInformation";

/**
 * Other names for the events that clients send, for deployments whose frontends use them. Defaults: `new_message`,
 * `new_presence_information`, `new_typing_information`.
 */
export interface EventNames {
  newMessageEventName?: string;
  newPresenceInformationEventName?: string;
  newTypingInformationEventName?: string;
}

/** Event name → its handler, for every event that clients may send. */
export function eventHandlers(names: EventNames, limits: ChatLimits, deps: HandlerDeps) {
  const message = names.newMessageEventName ?? EVENTS.newMessage;
  const presence = names.newPresenceInformationEventName ?? EVENTS.newPresenceInformation;
  const typing = names.newTypingInformationEventName ?? EVENTS.newTypingInformation;
  const limitOf = (kind: "messages" | "presence" | "typing") =>
    new RateLimit(limits[`${kind}PerSecond`], limits[`${kind}Burst`]);
  return new Map<string, EventHandler>([
    [message, { limit: limitOf("messages"), handle: newMessage(deps) }],
    [presence, { limit: limitOf("presence"), handle: newPresenceInformation(deps) }],
    [typing, { limit: limitOf("typing"), handle: newTypingInformation(deps) }],
  ]);
}
