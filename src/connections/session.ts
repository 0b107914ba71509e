import type { Identity } from "../access/identity";

/** What a client asked for in its handshake. */
export interface OptIns {
  typing: boolean;
  presence: "snapshot" | "diff";
  /** room name → the offset to resume after, or null for "from now on"; undefined: a base client */
  resume: ReadonlyMap<string, string | null> | undefined;
}

export interface SocketData {
  /** Names the client's presence to others; the socket's id would not do, for Engine.IO 3 it opens the session. */
  id: string;
  /** Undefined where no one has to say who they are. */
  identity: Identity | undefined;
  optIns: OptIns;
}
