/** What one client, and all of them together, may use. Every one can be set by environment (config.ts). */
export interface ChatLimits {
  /** Per connection, averaged over `messagesBurst / messagesPerSecond` seconds; 0 turns the limit off. */
  messagesPerSecond: number;
  /** Messages a connection may send at once. */
  messagesBurst: number;
  presencePerSecond: number;
  presenceBurst: number;
  typingPerSecond: number;
  typingBurst: number;
  /** Bytes that may wait for a client that reads too slowly, before it is cut. */
  maxPendingBytes: number;
  /** Bytes of presence snapshots per second, over all clients. */
  presenceBytesPerSecond: number;
  /** Bytes of presence snapshots that may go out at once after a quiet time. */
  presenceBurstBytes: number;
  /** 0: no cap. */
  maxConnections: number;
  /** 0: no cap. Behind a proxy this needs `trustProxy`, or everybody shares the proxy's address. */
  maxConnectionsPerIp: number;
}

export const DEFAULT_LIMITS: Readonly<ChatLimits> = Object.freeze({
  messagesPerSecond: 20,
  messagesBurst: 100,
  presencePerSecond: 5,
  presenceBurst: 20,
  typingPerSecond: 5,
  typingBurst: 20,
  maxPendingBytes: 1024 * 1024, // raise it when honest clients on slow links get cut in busy rooms
  presenceBytesPerSecond: 64 * 1024 * 1024, // lower it when presence takes bandwidth that messages need
  presenceBurstBytes: 8 * 1024 * 1024,
  maxConnections: 0,
  maxConnectionsPerIp: 0,
});

/** What no deployment has had a reason to change. */
export const FIXED_LIMITS = Object.freeze({
  maxFrameBytes: 64 * 1024, // the largest valid message, 4,000 code points escaped, is 48 KB
  connectDeadline: 10_000, // ms from the transport's opening to the Socket.IO CONNECT
  pingInterval: 20_000, // ms; Heroku's router cuts what is idle for 55 s
  pingTimeout: 15_000, // ms
  undrainedDeadline: 10_000, // ms a write may wait for its reader
  strikes: 2_000, // refused or useless packets within strikeWindow before the connection is closed
  strikeWindow: 10_000, // ms
});
