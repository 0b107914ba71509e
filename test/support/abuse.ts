import { EVENTS } from "../../src/protocol/events";
import { Canaries } from "./canaries";
import type { RawPolling } from "./rawPolling";
import { startService, type RunningService } from "./service";
import { until } from "./until";
import { COOKING } from "./rooms";

/*
 * What the suites about hostile clients share: Socket.IO packets as text, and a service with two honest clients.
 */

export const MESSAGE = JSON.stringify({ username: "eve", message: "hi", uuid: "1234", chatRoom: COOKING });
const PRESENCE = JSON.stringify({ username: "eve", avatar: "", currentRoom: COOKING });

export const CONNECT = "40";
export const DISCONNECT = "41";
/** A valid message, as an EVENT packet. */
export const SAY = `42["${EVENTS.newMessage}",${MESSAGE}]`;
/** A valid presence, as an EVENT packet. */
export const ENTER = `42["${EVENTS.newPresenceInformation}",${PRESENCE}]`;
/** How the packet of a broadcast message begins. */
export const HEARD = '42["/cooking"';
/** How the packet of a refusal without an ack begins. */
export const REFUSED = '42["server_error"';

/** Messages that a connection may send at once, by default. */
export const BURST = 100;

export interface ServiceWithCanaries extends RunningService {
  canaries: Canaries;
}

export async function startWithCanaries(env: Record<string, string> = {}): Promise<ServiceWithCanaries> {
  const service = await startService(env);
  return { ...service, canaries: await Canaries.start(service.url) };
}

/** Returns the number of log lines with this text. */
export function logged({ logs }: RunningService, message: string): number {
  return logs.filter(({ msg }) => msg === message).length;
}

/** Resolves once the session is gone: a poll on it is then a bad request. */
export async function sessionIsGone(session: RawPolling): Promise<void> {
  await until("the polling session is gone", async () => (await session.poll()).status === 400);
}

export function times(count: number, action: () => void): void {
  for (let i = 0; i < count; i += 1) action();
}
