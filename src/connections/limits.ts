/** Default limits per connection, per address and per process. Each is a variable of the environment (config.ts). */
export const DEFAULT_LIMITS = Object.freeze({
  /** Messages per second and connection, averaged over `messagesBurst / messagesPerSecond` seconds. 0: no limit. */
  messagesPerSecond: 20,
  /** Messages that a connection may send at once. */
  messagesBurst: 100,
  /** Presence announcements per second and connection, averaged like messages. 0: no limit. */
  presencePerSecond: 5,
  /** Presence announcements that a connection may send at once. */
  presenceBurst: 20,
  /** Typing events per second and connection, averaged like messages. 0: no limit. */
  typingPerSecond: 5,
  /** Typing events that a connection may send at once. */
  typingBurst: 20,
  /** Bytes that may wait for a client before it is disconnected. Raise it for honest clients on slow networks. */
  maxPendingBytes: 1024 * 1024,
  /** Bytes of presence per second, to all clients; for snapshots, differences and acks each. */
  presenceBytesPerSecond: 64 * 1024 * 1024,
  /** Bytes of presence that may be sent at once after a quiet time, by each of these budgets. */
  presenceBurstBytes: 8 * 1024 * 1024,
  /** Open connections. 0: no cap. */
  maxConnections: 0,
  /** Open connections per address. 0: no cap. Behind a proxy set `trustProxy`, or all clients share its address. */
  maxConnectionsPerIp: 0,
});

/** Each as in `DEFAULT_LIMITS`. */
export type ChatLimits = { -readonly [Name in keyof typeof DEFAULT_LIMITS]: number };
