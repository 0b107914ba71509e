/**
 * Messages between the nodes of one service: to all others, in order for each sender, and best effort: what is
 * published while the connection is down is lost.
 */
export interface NodeBus {
  /** Names this node, this time that it runs. */
  readonly nodeId: string;
  /** Begins to send and to hear; needs nothing to be reachable. */
  start(): void;
  publish(kind: string, payload: unknown): void;
  /** `payload` is whatever somebody published: to be checked before use. */
  subscribe(kind: string, listener: (nodeId: string, payload: unknown) => void): void;
  stop(): Promise<void>;
}
