/** What one client, and all clients together, may use. Each field is a variable of the environment (config.ts). */
export interface ChatLimits {
  /**
   * Messages per second and connection, averaged over `messagesBurst / messagesPerSecond` seconds. 0: no limit.
   * Default: 20.
   */
  messagesPerSecond: number;
  /** Messages that a connection may send at once. Default: 100. */
  messagesBurst: number;
  /** Presence announcements per second and connection, averaged like messages. 0: no limit. Default: 5. */
  presencePerSecond: number;
  /** Presence announcements that a connection may send at once. Default: 20. */
  presenceBurst: number;
  /** Typing events per second and connection, averaged like messages. 0: no limit. Default: 5. */
  typingPerSecond: number;
  /** Typing events that a connection may send at once. Default: 20. */
  typingBurst: number;
  /**
   * Bytes that may wait for a client that reads too slowly, before it is disconnected. Raise it when honest clients on
   * slow networks are disconnected in busy rooms. Default: 1 MiB.
   */
  maxPendingBytes: number;
  /**
   * Bytes of presence snapshots per second, over all clients. Lower it when presence takes bandwidth that messages
   * need. Default: 64 MiB.
   */
  presenceBytesPerSecond: number;
  /** Bytes of presence snapshots that may be sent at once after a quiet time. Default: 8 MiB. */
  presenceBurstBytes: number;
  /** Open connections. 0: no cap, the default. */
  maxConnections: number;
  /**
   * Open connections per address. 0: no cap, the default. Behind a proxy it needs `trustProxy`, because otherwise all
   * clients share the proxy's address.
   */
  maxConnectionsPerIp: number;
}

export const DEFAULT_LIMITS: Readonly<ChatLimits> = Object.freeze({
  messagesPerSecond: 20,
  messagesBurst: 100,
  presencePerSecond: 5,
  presenceBurst: 20,
  typingPerSecond: 5,
  typingBurst: 20,
  maxPendingBytes: 1024 * 1024,
  presenceBytesPerSecond: 64 * 1024 * 1024,
  presenceBurstBytes: 8 * 1024 * 1024,
  maxConnections: 0,
  maxConnectionsPerIp: 0,
});
