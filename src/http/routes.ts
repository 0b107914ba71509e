import type { IncomingMessage } from "node:http";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type { Authenticator } from "../access/authenticator";
import type { Origins } from "../access/origins";
import type { RateLimit } from "../access/rateLimit";
import { setCorsHeaders, setSecurityHeaders } from "../access/responseHeaders";
import type { MessageLog } from "../messageLog/messageLog";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import type { RoomList } from "../protocol/answers";
import { ChatError, REFUSALS, type Refusal } from "../protocol/refusals";
import type { Rooms } from "../protocol/rooms";
import { chatPageRoutes } from "./chatPage";
import { historyHandler } from "./historyRoute";
import { healthHandler, metricsHandler, readinessHandler } from "./operations";
import type { Readiness } from "./readiness";
import { SCHEMA_FILES, schemaHandler } from "./schemaRoute";

/** Options of Node's HTTP server, in ms. They disconnect clients that send a request too slowly. */
export const HTTP_SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000, // with Node's default of 30 s, slow headers would last that long
};

export interface HttpAppOptions {
  /** The token that opens `/metrics`; undefined: there is no such path. */
  metricsToken: string | undefined;
  /** Whether the chat page is served at `/chat`. */
  chatPage: boolean;
  /** Number of proxies before the server whose `X-Forwarded-For` counts. */
  trustProxy: number;
}

export interface HttpAppDeps {
  rooms: Rooms;
  origins: Origins;
  messageLog: MessageLog;
  readiness: Readiness;
  metrics: Metrics;
  /** Undefined: history needs no token. */
  authenticator: Authenticator | undefined;
  /** Counts pages of history per client address. */
  historyLimit: RateLimit;
  log: ClientEventLog;
}

/** Returns the Express app: room list, history, operations, schemas and the chat page. */
export function createHttpApp(options: HttpAppOptions & HttpAppDeps): Express {
  const { rooms, origins, messageLog, authenticator, historyLimit, trustProxy, metricsToken, log } = options;
  const app = express();
  app.disable("x-powered-by");
  app.use(setSecurityHeaders);
  app.use(refuseForeignOrigins(origins));
  app.use(setCorsHeaders);

  get(app, "/", (_req, res) => void res.type("text").send("OK"));
  get(app, "/rooms", (_req, res) => {
    const data: RoomList = { chatRooms: rooms.list() };
    res.json({ data, error: null });
  });
  const history = { rooms, messageLog, authenticator, limit: historyLimit, trustProxy };
  get(app, "/rooms/:room/messages", historyHandler(history));
  for (const name of SCHEMA_FILES) get(app, `/schemas/${name}`, schemaHandler(name));
  get(app, "/healthz", healthHandler());
  get(app, "/readyz", readinessHandler(options.readiness));
  if (options.chatPage) for (const { path, handler } of chatPageRoutes()) get(app, path, handler);
  if (metricsToken !== undefined) get(app, "/metrics", metricsHandler(options.metrics, metricsToken));

  app.use(() => {
    throw new ChatError(REFUSALS.notFound);
  });
  app.use(sendErrorEnvelope(log));
  return app;
}

/** Registers a GET route, and 405 for every other method. */
function get(app: Express, path: string, handler: RequestHandler): void {
  app.get(path, handler);
  app.all(path, (_req, res) => {
    res.set("Allow", "GET, HEAD");
    throw new ChatError(REFUSALS.methodNotAllowed);
  });
}

function refuseForeignOrigins(origins: Origins): RequestHandler {
  return (req, _res, next) => {
    if (!origins.isAllowed(req)) throw new ChatError(REFUSALS.originNotAllowed);
    next();
  };
}

/** Express and its parsers throw errors with a 4xx `status` at bad requests. Any other error is the server's failure. */
function sendErrorEnvelope(log: ClientEventLog): ErrorRequestHandler {
  return (thrown: unknown, req: IncomingMessage, res, next) => {
    const status = (thrown as { status?: unknown } | null)?.status;
    const isBadRequest = typeof status === "number" && status >= 400 && status < 500;
    const fallback: Refusal = isBadRequest ? REFUSALS.badRequest : REFUSALS.internal;
    const error = thrown instanceof ChatError ? thrown : new ChatError(fallback);
    if (error.status >= 500) log.error("request failed", { method: req.method, err: thrown });
    if (error.status === REFUSALS.unauthorized.status) res.set("WWW-Authenticate", "Bearer");
    if (res.headersSent) next(thrown);
    else res.status(error.status).json(error.toEnvelope());
  };
}
