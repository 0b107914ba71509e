import {
  ChatClientError,
  type ChatClient,
  type HistoryPage,
  type HistoryRequest,
} from "../client/chatClient";

const TRIES = 4; // who scrolls fast may be told that it was too fast
const TRY_AGAIN = 1_000; // ms

/** A page of history; tried again while the reason of a failure may pass. Rejects with a ChatClientError. */
export async function readPage(
  client: ChatClient,
  room: string,
  request: HistoryRequest,
): Promise<HistoryPage> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await client.history(room, request);
    } catch (error) {
      const mayPass = error instanceof ChatClientError && error.isTransient;
      if (!mayPass || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
    }
  }
}
