import type { Page, PageRequest } from "../messageLog/messageLog";
import { PAGE_BYTES, PAGE_MESSAGES } from "./replayPages";

/**
 * Returns the offset that the newest `count` messages of a room follow, or all of them if the room has fewer. Reads
 * backwards in small pages, because the messages may be long. Resolves with undefined where the room is empty, or `read`
 * resolves with undefined.
 */
export async function newestStart(
  count: number,
  read: (request: PageRequest) => Promise<Page | undefined>,
): Promise<string | undefined> {
  let before: string | undefined;
  for (let missing = count + 1; missing > 0;) {
    const limit = Math.min(missing, PAGE_MESSAGES);
    const page = await read({ ...(before === undefined ? {} : { before }), limit, maxBytes: PAGE_BYTES });
    const oldest = page?.messages[0];
    if (page === undefined || oldest === undefined) return page?.after ?? undefined;
    before = oldest.offset;
    missing -= page.messages.length;
  }
  return before;
}
