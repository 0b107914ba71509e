import type { NewMessage } from "../../src/protocol/payloads";
import type { Setting } from "./dialogue";
import type { Json } from "./json";
import { refused, type RefusalKey } from "./refusals";
import type { ShapeName } from "./shapes";

/** What has to be so before a request, for its example to go as written. */
export interface Given extends Setting {
  /** Messages sent before, each with an ack, and what that said. */
  messages?: { payload: NewMessage; ack: unknown }[];
  /** Clients connected already. */
  clients?: number;
}

export interface HttpExample {
  name: string;
  summary?: string;
  /** `times`: only the answer to the last one counts. */
  request: { method: string; path: string; headers?: Record<string, string>; times?: number };
  given?: Given;
  /** Undefined: what is asked for. */
  refusal?: RefusalKey;
  body: unknown;
  /** The answer has more than the example: of text other parts, of JSON other keys. */
  isExcerpt?: boolean;
}

export type Parameter = Json & { name: string; in: "query" | "path" };

export interface Route {
  /** As Express has it, e.g. `/rooms/:room/messages`. */
  path: string;
  operationId: string;
  tag: "chat" | "page" | "operations" | "documents" | "transport";
  summary: string;
  description?: string;
  parameters?: Parameter[];
  /** Names of security schemes, any of which will do; empty: none, as deployments may have it. */
  security?: string[];
  answer: { description: string; contentType: string; shape?: ShapeName };
  refusals: readonly RefusalKey[];
  examples: HttpExample[];
}

/** An example of what is asked for. */
export function answered(
  name: string,
  path: string,
  body: unknown,
  more: Partial<HttpExample> = {},
): HttpExample {
  return { name, request: { method: "GET", path }, body, ...more };
}

/** An example of a refusal. */
export function refusal(
  key: RefusalKey,
  path: string,
  more: Partial<HttpExample> = {},
  errors: string[] = [],
): HttpExample {
  return { name: key, request: { method: "GET", path }, refusal: key, body: refused(key, errors), ...more };
}
