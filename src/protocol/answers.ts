import type { HistoricalMessage } from "./events";
import type { ChatRoom, Offset } from "./payloads";

/* The `data` of HTTP answers. Each travels in a `DataEnvelope`. */

/** Answer to `GET /rooms`. */
export interface RoomList {
  /** In the order in which clients show them. */
  chatRooms: ChatRoom[];
}

/** Answer to `GET /rooms/<room>/messages`. */
export interface HistoryPage {
  /** Oldest first. */
  messages: HistoricalMessage[];
  /** Pass it as `before` for the page of older messages; null if there is none. */
  before: Offset | null;
  /** Pass it as `after` for the page of newer messages; null if there is none. */
  after: Offset | null;
}

/** Answer to `GET /healthz`, and to `GET /readyz` while the service is ready. */
export interface Health {
  status: "ok" | "ready";
}
