import type { Request, RequestHandler } from "express";
import type { Authenticator } from "../access/authenticator";
import { FairQueue } from "../access/fairQueue";
import { authorizeReading } from "../access/identity";
import type { RateLimit } from "../access/rateLimit";
import { bearerToken, clientAddress } from "../access/request";
import { Slots } from "../access/slots";
import {
  StoreError,
  UnknownOffsetError,
  type MessageLog,
  type Page,
  type PageRequest,
} from "../messageLog/messageLog";
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_BYTES, MAX_PAGE_LIMIT } from "../protocol/limits";
import { ChatError, REFUSALS } from "../protocol/refusals";
import type { Rooms } from "../protocol/rooms";

const READS_AT_A_TIME = 4; // of all clients; a page of 512 KB takes some ms of the event loop
const PAGES_PER_ADDRESS = 8; // in memory until written: 4 MB
const PAGE_WAIT_MS = 10_000; // an address whose pages are not read waits so long, then gets 429

export interface HistoryDeps {
  rooms: Rooms;
  messageLog: MessageLog;
  /** Undefined: no token is needed. */
  authenticator: Authenticator | undefined;
  /** Counts pages per client address. */
  historyLimit: RateLimit;
  /** Number of proxies before the server whose `X-Forwarded-For` counts. */
  trustProxy: number;
}

/**
 * `GET /rooms/<room>/messages`: one page of a room's messages, oldest first. Few pages are read at a time, and addresses
 * take turns. A page counts against its address until the client has taken it.
 */
export function historyHandler(deps: HistoryDeps): RequestHandler {
  const { rooms, messageLog, authenticator, historyLimit, trustProxy } = deps;
  const reads = new FairQueue(READS_AT_A_TIME);
  const pages = new Slots(PAGES_PER_ADDRESS, PAGE_WAIT_MS);
  return async (req, res) => {
    const address = clientAddress(req, trustProxy);
    historyLimit.consume(address);
    if (authenticator !== undefined) res.set("Cache-Control", "no-store"); // a cache would ignore the token
    const identity = await authenticator?.verify(bearerToken(req));
    const room = rooms.get(`/${String(req.params.room)}`);
    authorizeReading(identity, room.name);
    const request = pageRequest(req);
    const release = await pages.acquire(address);
    if (res.destroyed) return release(); // the client has left
    res.once("close", release);
    const read = () => messageLog.read(room.name, request).then(toJson, refuse);
    res.type("json").send(await reads.run(address, read));
  };
}

/** Messages are stored as JSON. The answer is concatenated from it, without parsing. */
function toJson({ messages, before, after }: Page): string {
  const items = messages.map((m) => `${m.json.slice(0, -1)},"offset":${JSON.stringify(m.offset)}}`);
  const ends = `"before":${JSON.stringify(before)},"after":${JSON.stringify(after)}`;
  return `{"data":{"messages":[${items.join(",")}],${ends}},"error":null}`;
}

function pageRequest({ query }: Request): PageRequest {
  const { limit = String(DEFAULT_PAGE_LIMIT), before, after } = query;
  const count = typeof limit === "string" && /^\d{1,3}$/.test(limit) ? Number(limit) : NaN;
  const isPage = count >= 1 && count <= MAX_PAGE_LIMIT && (before === undefined || after === undefined);
  if (!isPage || !isOptionalText(before) || !isOptionalText(after)) throw new ChatError(REFUSALS.badPage);
  return { limit: count, maxBytes: MAX_PAGE_BYTES, before, after };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function refuse(error: unknown): never {
  if (error instanceof UnknownOffsetError) throw new ChatError(REFUSALS.unknownOffset);
  if (error instanceof StoreError) throw new ChatError(REFUSALS.historyNotReadable);
  throw error;
}
