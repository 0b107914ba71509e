import { Authenticator, type AuthSettings } from "../access/authenticator";
import { Origins } from "../access/origins";
import { ClientEventLog, createLogger, type Logger } from "../observability/logger";
import { Metrics } from "../observability/metrics";
import type { ChatRoom } from "../protocol/payloads";
import { DEFAULT_ROOMS, Rooms } from "../protocol/rooms";

export interface SharedPartsOptions {
  /**
   * Origins of the web pages that may connect, e.g. `https://chat.example.com`; `*` allows all. The server's own
   * origin is always allowed. Default: no other.
   */
  acceptableOrigins?: readonly string[];
  /** The rooms, in the order in which clients show them. Default: `DEFAULT_ROOMS`. */
  chatRooms?: readonly ChatRoom[];
  /** How tokens are verified. Default: authentication is off, and clients choose their names. */
  auth?: AuthSettings | undefined;
  /** Number of proxies before the server. Only their forwarding headers count. Default: 0. */
  trustProxy?: number;
  /** Default: nothing is logged. */
  logger?: Logger;
}

/** What the HTTP routes and the chat have in common. It is built once and handed to both. */
export type SharedParts = ReturnType<typeof createSharedParts>;

export function createSharedParts(options: SharedPartsOptions) {
  const { acceptableOrigins = [], chatRooms = DEFAULT_ROOMS, auth, trustProxy = 0 } = options;
  const log = new ClientEventLog(options.logger ?? createLogger("silent"));
  const rooms = new Rooms(chatRooms);
  return {
    rooms,
    origins: new Origins(acceptableOrigins, trustProxy),
    /** Undefined: authentication is off. */
    authenticator: auth && new Authenticator({ ...auth, rooms: rooms.names(), log }),
    trustProxy,
    log,
    metrics: new Metrics(),
  };
}
