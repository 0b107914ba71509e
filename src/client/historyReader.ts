import { MAX_PAGE_LIMIT } from "../protocol/limits";
import type { HistoryPage } from "../protocol/answers";
import type { Envelope, HistoricalMessage } from "../protocol/events";
import { backoffMs, type RetryPolicy } from "./backoff";
import { ChatClientError, dataOf, toClientError } from "./chatClientError";
import type { FetchLike, GetToken, HistoryRequest } from "./types";

interface Retry {
  retries: RetryPolicy;
  /** False once the connection is lost: the messages are then recovered by the next one. */
  isWanted: () => boolean;
}

interface Missed {
  messages: HistoricalMessage[];
  /** No message is missing between the last known one and these. */
  isComplete: boolean;
  error?: ChatClientError;
}

const MAX_PAGES = 10; // twice what a server replays; the application reads older messages with `history()`
const MAX_TRIES = 4; // per page; meanwhile the room's live messages wait

export interface HistoryReaderOptions {
  url: string;
  fetch: FetchLike;
  /** Per page. */
  timeoutMs: number;
  getToken: GetToken | undefined;
}

/** Reads history over HTTP. */
export class HistoryReader {
  readonly #options: HistoryReaderOptions;

  constructor(options: HistoryReaderOptions) {
    this.#options = options;
  }

  /** Rejects with a ChatClientError: the refusal, or status 0 without a readable answer. */
  async readPage(room: string, request: HistoryRequest = {}): Promise<HistoryPage> {
    const given = Object.entries(request).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
    const path = `/rooms/${encodeURIComponent(room.replace(/^\//, ""))}/messages?${query.toString()}`;
    const { url, fetch, timeoutMs, getToken } = this.#options;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const token = getToken && (await inTime(getToken(), abort.signal));
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
   * Reads the newest messages back to the first one that `isKnown`; returns them oldest first, 2,000 at most. Does not
   * reject: when a page cannot be read after some tries, it and older ones are missing, and `error` is set.
   */
  async readMissed(
    room: string,
    isKnown: (message: HistoricalMessage) => boolean,
    retry: Retry,
  ): Promise<Missed> {
    const messages: HistoricalMessage[] = [];
    const request: HistoryRequest = { limit: MAX_PAGE_LIMIT };
    try {
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const page = await this.#readPageWithRetries(room, request, retry);
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

  async #readPageWithRetries(
    room: string,
    request: HistoryRequest,
    { retries, isWanted }: Retry,
  ): Promise<HistoryPage> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.readPage(room, request);
      } catch (thrown) {
        const error = toClientError(thrown);
        if (!retries.isRetryable(error) || tries === MAX_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, backoffMs(retries, tries)));
        if (!isWanted()) throw error;
      }
    }
  }
}

/** Resolves with the value; rejects when the signal aborts first. */
function inTime<T>(awaited: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new ChatClientError("No token came in time")), {
      once: true,
    });
  });
  return Promise.race([awaited, late]);
}
