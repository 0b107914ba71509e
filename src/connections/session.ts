import type { Identity } from "../access/identity";

/** What a client opted in to in its handshake. */
export interface OptIns {
  typing: boolean;
  presence: "snapshot" | "diff";
  /** room name → the offset to resume after, or null for "from now on"; undefined: a base client */
  resume: ReadonlyMap<string, string | null> | undefined;
}

/** `socket.data`: what the handshake found out about a client. */
export interface SocketData {
  /** Names the client's presence to other clients. Not the socket's id, which with Engine.IO 3 is the session's secret. */
  id: string;
  /** Undefined: authentication is off. */
  identity: Identity | undefined;
  optIns: OptIns;
}
