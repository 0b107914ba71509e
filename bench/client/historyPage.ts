/** Requests pages of history over keep-alive HTTP. */
import { get, type Agent } from "node:http";
import { buffer } from "node:stream/consumers";

export interface HistoryPage {
  data: { messages: { uuid: string; offset: string }[]; before: string | null; after: string | null };
  error: null;
}

/** Resolves with the body of a 200 answer, rejects for every other. `query` as in `limit=50`. */
export async function getHistory(
  agent: Agent,
  port: number,
  roomName: string,
  query: string,
): Promise<Buffer> {
  const path = `/rooms${roomName}/messages?${query}`;
  return new Promise((resolve, reject) => {
    const request = get({ agent, host: "127.0.0.1", port, path }, (response) => {
      if (response.statusCode === 200) buffer(response).then(resolve, reject);
      else reject(new Error(`GET ${path}: ${String(response.statusCode)}`));
    });
    request.once("error", reject);
  });
}

export function parsePage(body: Buffer): HistoryPage["data"] {
  return (JSON.parse(body.toString()) as HistoryPage).data;
}
