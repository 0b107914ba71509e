/** The servers that are measured, by name, and what a scenario knows of a running one. */
import type { DialectName } from "../client/dialect";

export const targetNames = ["socketioByTheBook", "bareWs", "service", "twoNodes"] as const;
export type TargetName = (typeof targetNames)[number];
/** Those of one process each: the ones that are compared. */
export const SINGLE: readonly TargetName[] = ["socketioByTheBook", "bareWs", "service"];
/** What the others are compared with. */
export const BASELINE: TargetName = "socketioByTheBook";

/** What the load generator knows of a running server. */
export interface Target {
  port: number;
  /** A second node: every other client connects there. */
  otherPort?: number;
  pid: number;
  dialect: DialectName;
}

export interface RunningServer {
  target: Target;
  /** Ends the process and starts it again on the same data; returns the ms from there until it is ready. */
  restart?(signal: NodeJS.Signals): Promise<number>;
  /** Where the nodes have their Redis. */
  redisUrl?: string;
  /** Ends the first of two nodes, as kill -9 does. */
  killNode?(): void;
  stop(): Promise<void>;
}
