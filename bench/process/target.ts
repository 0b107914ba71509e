/** The names of the servers that are measured, and what a scenario knows of a running one. */
import type { DialectName } from "../client/dialect";

export const targetNames = ["socketioByTheBook", "bareWs", "service", "twoNodes"] as const;
export type TargetName = (typeof targetNames)[number];
/** The targets of one process each, which are compared. */
export const SINGLE: readonly TargetName[] = ["socketioByTheBook", "bareWs", "service"];
/** The target with which the others are compared. */
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
  /** Ends the process and starts it again on the same data; resolves with the milliseconds from start to readiness. */
  restart?(signal: NodeJS.Signals): Promise<number>;
  /** The Redis of the nodes. */
  redisUrl?: string;
  /** Kills the first of two nodes (SIGKILL). */
  killNode?(): void;
  stop(): Promise<void>;
}
