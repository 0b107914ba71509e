import type { ChatClientError } from "./chatClientError";

export interface Backoff {
  /** The wait after the first failure; it doubles with each further one. */
  firstMs: number;
  maxMs: number;
}

export interface RetryPolicy extends Backoff {
  /** Whether the same request may succeed later. */
  isRetryable: (error: ChatClientError) => boolean;
}

/**
 * Returns how many ms to wait after this number of failures in a row: the exponential delay, less up to half of it at
 * random. The jitter keeps clients that lost the same server from returning all at once.
 */
export function backoffMs({ firstMs, maxMs }: Backoff, failures: number): number {
  const delay = Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
  return delay * (0.5 + Math.random() / 2);
}
