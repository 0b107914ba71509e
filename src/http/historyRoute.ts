import type { Request, RequestHandler } from "express";
import type { Authenticator } from "../access/authenticator";
import { authorizeReading } from "../access/identity";
import type { RateLimit } from "../access/rateLimit";
import { bearerToken, clientAddress } from "../access/request";
import { StoreError, UnknownOffsetError, type MessageLog, type PageRequest } from "../messageLog/messageLog";
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from "../protocol/limits";
import { ChatError, REFUSALS } from "../protocol/refusals";
import type { Rooms } from "../protocol/rooms";

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

/** `GET /rooms/<room>/messages`: one page of a room's messages, oldest first. */
export function historyHandler(deps: HistoryDeps): RequestHandler {
  const { rooms, messageLog, authenticator, historyLimit, trustProxy } = deps;
  return async (req, res) => {
    historyLimit.consume(clientAddress(req, trustProxy));
    if (authenticator !== undefined) res.set("Cache-Control", "no-store"); // a cache would ignore the token
    const identity = await authenticator?.verify(bearerToken(req));
    const room = rooms.get(`/${String(req.params.room)}`);
    authorizeReading(identity, room.name);
    const { messages, before, after } = await messageLog.read(room.name, pageRequest(req)).catch(refuse);
    // Messages are stored as JSON. The answer is concatenated from it, without parsing.
    const items = messages.map((m) => `${m.json.slice(0, -1)},"offset":${JSON.stringify(m.offset)}}`);
    const ends = `"before":${JSON.stringify(before)},"after":${JSON.stringify(after)}`;
    res.type("json").send(`{"data":{"messages":[${items.join(",")}],${ends}},"error":null}`);
  };
}

function pageRequest({ query }: Request): PageRequest {
  const { limit = String(DEFAULT_PAGE_LIMIT), before, after } = query;
  const count = typeof limit === "string" && /^\d{1,3}$/.test(limit) ? Number(limit) : NaN;
  const isPage = count >= 1 && count <= MAX_PAGE_LIMIT && (before === undefined || after === undefined);
  if (!isPage || !isOptionalText(before) || !isOptionalText(after)) throw new ChatError(REFUSALS.badPage);
  return { limit: count, before, after };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function refuse(error: unknown): never {
  if (error instanceof UnknownOffsetError) throw new ChatError(REFUSALS.unknownOffset);
  if (error instanceof StoreError) throw new ChatError(REFUSALS.historyNotReadable);
  throw error;
}
