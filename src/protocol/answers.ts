import type { ChatRoom } from "./payloads";

/** Answer to `GET /rooms`. */
export interface RoomList {
  /** In the order in which to show them. */
  chatRooms: ChatRoom[];
}

/** Answer to `GET /healthz` and, while all is well, to `GET /readyz`. */
export interface Health {
  status: "ok" | "ready";
}
