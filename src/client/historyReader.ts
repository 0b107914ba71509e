import { MAX_PAGE_LIMIT } from "../protocol/limits";
import type { Envelope, HistoricalMessage, HistoryPage } from "../protocol/events";
import type { Offset } from "../protocol/payloads";
import { retryDelay, type RetryPolicy } from "./backoff";
import { ChatClientError, dataOf, toClientError } from "./chatClientError";

/** Which page: the newest, or that before or after an offset. */
export interface HistoryRequest {
  before?: Offset;
  after?: Offset;
  /** Messages, 1–200; the server's default is 50. */
  limit?: number;
}

/** Gets a token that holds now. */
export type GetToken = () => string | Promise<string>;

/** As much of `fetch` as history needs. */
export type FetchLike = (
  url: string,
  init: { signal: AbortSignal; headers: Record<string, string> },
) => Promise<{ status: number; json(): Promise<unknown> }>;

interface Retry {
  retries: RetryPolicy;
  isWanted: () => boolean;
}

interface Missed {
  messages: HistoricalMessage[];
  /** No message is missing between the last one known and these. */
  isComplete: boolean;
  error?: ChatClientError;
}

const MAX_PAGES = 10; // twice what a server replays; what is older still is for `history()`
const MAX_TRIES = 4; // per page; meanwhile the room's live messages wait

export interface HistoryOptions {
  url: string;
  fetch: FetchLike;
  /** ms per page. */
  timeout: number;
  auth: GetToken | undefined;
}

/** Reads history over HTTP. */
export class History {
  readonly #options: HistoryOptions;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Rejects with a ChatClientError: the refusal, or status 0 without a readable answer. */
  async page(room: string, request: HistoryRequest = {}): Promise<HistoryPage> {
    const given = Object.entries(request).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
    const path = `/rooms/${encodeURIComponent(room.replace(/^\//, ""))}/messages?${query.toString()}`;
    const { url, fetch, timeout, auth } = this.#options;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeout);
    try {
      const token = auth && (await inTime(auth(), abort.signal));
      const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const answer = await fetch(new URL(path, url).href, { signal: abort.signal, headers });
      const envelope = (await answer.json().catch(() => null)) as Envelope<HistoryPage> | null;
      if (envelope !== null && typeof envelope === "object" && "error" in envelope) return dataOf(envelope);
      throw new ChatClientError(
        "History could not be read",
        answer.status >= 400 ? answer.status : undefined,
      );
    } catch (thrown) {
      throw toClientError(thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The newest messages back to the first that `isKnown`, oldest first, 2,000 at most. Does not reject:
   * pages that cannot be read after some tries, or when `isWanted` is over, are missing, and `error` says why.
   */
  async missed(
    room: string,
    isKnown: (message: HistoricalMessage) => boolean,
    retry: Retry,
  ): Promise<Missed> {
    const messages: HistoricalMessage[] = [];
    const request: HistoryRequest = { limit: MAX_PAGE_LIMIT };
    try {
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const page = await this.#pageWithRetries(room, request, retry);
        const lastKnown = page.messages.findLastIndex(isKnown);
        messages.unshift(...page.messages.slice(lastKnown + 1));
        if (lastKnown >= 0) return { messages, isComplete: true };
        if (page.before === null) break;
        request.before = page.before;
      }
      return { messages, isComplete: false };
    } catch (thrown) {
      return { messages, isComplete: false, error: toClientError(thrown) };
    }
  }

  async #pageWithRetries(
    room: string,
    request: HistoryRequest,
    { retries, isWanted }: Retry,
  ): Promise<HistoryPage> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.page(room, request);
      } catch (thrown) {
        const error = toClientError(thrown);
        if (!retries.mayPass(error) || tries === MAX_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryDelay(retries, tries)));
        if (!isWanted()) throw error;
      }
    }
  }
}

/** Rejects when the signal comes first. */
function inTime<T>(awaited: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new ChatClientError("No token came in time")), {
      once: true,
    });
  });
  return Promise.race([awaited, late]);
}
