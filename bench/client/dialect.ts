/** The protocol of a target: the same `[event, payload]` arrays, with or without Socket.IO around them. */

export interface Dialect {
  /** Path and query of the websocket upgrade. */
  path: string;
  /** The text before the JSON array in an event's frame. */
  eventPrefix: string;
  /** The packet to send once the websocket is open, and how its answer begins; null where none is needed. */
  connect: { packet: string; answerPrefix: string } | null;
}

export const dialects = {
  socketio: {
    path: "/socket.io/?EIO=4&transport=websocket",
    eventPrefix: "42",
    connect: { packet: "40", answerPrefix: "40" },
  },
  bare: { path: "/", eventPrefix: "", connect: null },
} satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;
