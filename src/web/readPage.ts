import {
  ChatClientError,
  type ChatClient,
  type HistoryPage,
  type HistoryRequest,
} from "../client/chatClient";

const MAX_TRIES = 4; // fast scrolling may exceed the rate limit of history
const RETRY_DELAY_MS = 1_000;

/** Reads a page of history, with retries after transient failures. Rejects with a ChatClientError. */
export async function readPage(
  client: ChatClient,
  room: string,
  request: HistoryRequest,
): Promise<HistoryPage> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await client.history(room, request);
    } catch (error) {
      const isTransient = error instanceof ChatClientError && error.isTransient;
      if (!isTransient || tries === MAX_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }
}
