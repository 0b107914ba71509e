import type { Request, RequestHandler } from "express";
import type { Authenticator } from "../access/authenticator";
import { bearerToken } from "../access/bearer";
import { clientAddress } from "../access/clientAddress";
import { authorizeReading } from "../access/identity";
import type { RateLimit } from "../access/rateLimit";
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from "../protocol/limits";
import type { Rooms } from "../protocol/rooms";
import { ChatError, REFUSALS } from "../protocol/refusals";
import {
  StoreError,
  UnknownOffsetError,
  type MessageLog,
  type Page,
  type PageRequest,
} from "../messageLog/messageLog";

export interface HistoryOptions {
  /** Number of proxies before the server whose `X-Forwarded-For` counts. */
  trustProxy: number;
}

export interface HistoryDeps {
  rooms: Rooms;
  messageLog: MessageLog;
  /** Undefined: no token is needed. */
  authenticator: Authenticator | undefined;
  /** Counts requests per client address. */
  limit: RateLimit;
}

/** `GET /rooms/<room>/messages`: one page of a room's messages, oldest first. */
export function historyHandler(options: HistoryOptions & HistoryDeps): RequestHandler {
  const { rooms, messageLog, authenticator, limit, trustProxy } = options;
  return async (req, res) => {
    limit.consume(clientAddress(req, trustProxy));
    if (authenticator !== undefined) res.set("Cache-Control", "no-store"); // a cache would ignore the token
    const identity = await authenticator?.verify(bearerToken(req));
    const room = rooms.get(`/${String(req.params.room)}`);
    authorizeReading(identity, room.name);
    const page = await messageLog.read(room.name, pageRequest(req)).catch(refuse);
    res.type("json").send(pageJson(page));
  };
}

function pageRequest({ query }: Request): PageRequest {
  const { limit = String(DEFAULT_PAGE_LIMIT), before, after } = query;
  const isOffset = (value: unknown) => value === undefined || typeof value === "string";
  const count = typeof limit === "string" && /^\d{1,3}$/.test(limit) ? Number(limit) : NaN;
  const isLimit = count >= 1 && count <= MAX_PAGE_LIMIT;
  if (!isLimit || !isOffset(before) || !isOffset(after) || (before !== undefined && after !== undefined)) {
    throw new ChatError(REFUSALS.badPage);
  }
  const request: PageRequest = { limit: count };
  if (typeof before === "string") request.before = before;
  if (typeof after === "string") request.after = after;
  return request;
}

function refuse(error: unknown): never {
  if (error instanceof UnknownOffsetError) throw new ChatError(REFUSALS.unknownOffset);
  if (error instanceof StoreError) throw new ChatError(REFUSALS.historyNotReadable);
  throw error;
}

/** Messages are stored as JSON. The answer is concatenated from it, without parsing. */
function pageJson({ messages, before, after }: Page): string {
  const items = messages.map(
    ({ json, offset }) => `${json.slice(0, -1)},"offset":${JSON.stringify(offset)}}`,
  );
  const ends = `"before":${JSON.stringify(before)},"after":${JSON.stringify(after)}`;
  return `{"data":{"messages":[${items.join(",")}],${ends}},"error":null}`;
}
