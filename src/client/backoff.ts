import type { ChatClientError } from "./chatClientError";

/** How long to wait before trying again, ms. */
export interface Backoff {
  /** After the first failure; doubled after each further one. */
  first: number;
  max: number;
}

/** Whether what failed with this may succeed later, and how long to wait for that. */
export interface RetryPolicy extends Backoff {
  mayPass: (error: ChatClientError) => boolean;
}

/** Exponential, with jitter: clients that lost the same server must not all come back at once. */
export function retryDelay({ first, max }: Backoff, failures: number): number {
  const delay = Math.min(max, first * 2 ** Math.max(0, failures - 1));
  return delay * (0.5 + Math.random() / 2);
}
