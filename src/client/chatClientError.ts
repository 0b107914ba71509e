import type { ErrorEnvelope } from "../protocol/refusals";
import type { Envelope } from "../protocol/events";

/** Status of what the server never answered: no connection, no answer in time, or the client was closed. */
export const NO_ANSWER = 0;

/** A refusal by the server, or the lack of an answer. */
export class ChatClientError extends Error {
  /** As in the error envelope: 400, 403, 404, 409, 429, 5xx; 0 when there was no answer. */
  readonly status: number;
  /** One line per violation when a payload is not valid; else empty. */
  readonly errors: readonly string[];

  constructor(message: string, status: number = NO_ANSWER, errors: readonly string[] = []) {
    super(message);
    this.name = "ChatClientError";
    this.status = status;
    this.errors = errors;
  }

  /** Whether the same request may succeed later: no answer, too many requests, a failure of the server. */
  get isTransient(): boolean {
    return this.status === NO_ANSWER || this.status === 429 || this.status >= 500;
  }
}

/** Whatever was thrown or emitted; Socket.IO carries status and errors of a refused handshake in `data`. */
export function toClientError(thrown: unknown): ChatClientError {
  if (thrown instanceof ChatClientError) return thrown;
  if (!(thrown instanceof Error)) return new ChatClientError(String(thrown));
  const { data } = thrown as { data?: { status?: number; errors?: string[] } | null };
  return new ChatClientError(thrown.message, data?.status, data?.errors);
}

/** The data of an answer; throws its error as a ChatClientError. */
export function dataOf<T>(envelope: Envelope<T>): T {
  if (envelope.error === null) return envelope.data;
  throw refusalOf(envelope);
}

export function refusalOf({ error }: ErrorEnvelope): ChatClientError {
  return new ChatClientError(error.message, error.status, error.errors);
}
