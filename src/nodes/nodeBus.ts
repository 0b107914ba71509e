/**
 * Sends messages from each node of the service to all other nodes. Best effort, at most once: messages published or
 * due while a node has no connection are lost, so a subscriber needs another way to detect and repair a loss.
 * Messages of one node arrive in the order of publishing; messages of different nodes have no common order.
 */
export interface NodeBus {
  /** Names this run of this node: a restarted process has another id. */
  readonly nodeId: string;
  /** Connects in the background. Returns at once; an unreachable bus is no error. */
  start(): void;
  /**
   * Sends a message to all other nodes, not to this one. Never throws for a broken connection: the message is lost.
   * @param kind the name of the message, which has one subscriber at most on each node
   * @param payload any JSON value; it arrives as `JSON.parse(JSON.stringify(payload))`
   */
  publish(kind: string, payload: unknown): void;
  /**
   * Calls the listener with each message of this kind. Allowed before and after `start()`. It must check
   * `payload`, because other programs can publish, too; `nodeId` may then be false. An error that it throws is logged.
   */
  subscribe(kind: string, listener: (nodeId: string, payload: unknown) => void): void;
  /** Disconnects for good. Messages that are not yet sent are lost. Never rejects. */
  stop(): Promise<void>;
}
