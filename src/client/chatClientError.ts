import type { Envelope } from "../protocol/events";
import type { ErrorEnvelope } from "../protocol/refusals";

const NO_ANSWER = 0;
const TOO_MANY_REQUESTS = 429;

/** A refusal by the server, or the lack of an answer. */
export class ChatClientError extends Error {
  /**
   * The status of the refusal: 400, 401, 403, 404, 409, 429 or 5xx. It is 0 when the server did not refuse: there was no
   * connection or no answer in time, the username was not set, or the client was closed.
   */
  readonly status: number;
  /** One line per violation when a payload is not valid, otherwise empty. */
  readonly errors: readonly string[];

  constructor(message: string, status: number = NO_ANSWER, errors: readonly string[] = []) {
    super(message);
    this.name = "ChatClientError";
    this.status = status;
    this.errors = errors;
  }

  /** Whether the same request may succeed later: no answer (0), too many requests (429), or a server error (5xx). */
  get isTransient(): boolean {
    return this.status === NO_ANSWER || this.status === TOO_MANY_REQUESTS || this.status >= 500;
  }
}

/** Converts anything thrown. Socket.IO carries status and errors of a refused handshake in `data`. */
export function toClientError(thrown: unknown): ChatClientError {
  if (thrown instanceof ChatClientError) return thrown;
  if (!(thrown instanceof Error)) return new ChatClientError(String(thrown));
  const { data } = thrown as { data?: { status?: number; errors?: string[] } | null };
  return new ChatClientError(thrown.message, data?.status, data?.errors);
}

/** Returns the data of an answer; throws its error as a ChatClientError. */
export function dataOf<T>(envelope: Envelope<T>): T {
  if (envelope.error === null) return envelope.data;
  throw refusalOf(envelope);
}

export function refusalOf({ error }: ErrorEnvelope): ChatClientError {
  return new ChatClientError(error.message, error.status, error.errors);
}
