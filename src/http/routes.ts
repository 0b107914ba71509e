import type { IncomingMessage } from "node:http";
import cors from "cors";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import helmet from "helmet";
import type { Authenticator } from "../access/authenticator";
import type { RateLimit } from "../access/rateLimit";
import type { Rooms } from "../protocol/rooms";
import { ChatError, REFUSALS, type Refusal } from "../protocol/refusals";
import type { ClientEventLog } from "../observability/logger";
import type { MessageLog } from "../messageLog/messageLog";
import type { Metrics } from "../observability/metrics";
import type { Readiness } from "./readiness";
import type { RoomList } from "../protocol/answers";
import { chatPageRoutes } from "./chatPage";
import { historyHandler } from "./historyRoute";
import { healthHandler, metricsHandler, readinessHandler } from "./operations";
import type { Origins } from "../access/origins";
import { SCHEMA_FILES, schemaHandler } from "./schemaRoute";

export interface HttpAppOptions {
  rooms: Rooms;
  origins: Origins;
  messageLog: MessageLog;
  readiness: Readiness;
  metrics: Metrics;
  /** Undefined: nobody may read the metrics. */
  metricsToken: string | undefined;
  /** Undefined: anybody may read history. */
  authenticator: Authenticator | undefined;
  /** Whether the chat page is served. */
  chatPage: boolean;
  /** Pages of history per address. */
  historyLimit: RateLimit;
  trustProxy: number;
  log: ClientEventLog;
}

/** The plain HTTP side: a sign of life for `/`, the list of rooms, their history, what it all looks like, and what operators ask. */
export function createHttpApp(options: HttpAppOptions): Express {
  const { rooms, origins, messageLog, historyLimit, trustProxy, metricsToken, log } = options;
  const app = express();
  app.disable("x-powered-by");
  app.set("trust proxy", trustProxy);
  app.use(helmet());
  app.use(onlyAllowedOrigins(origins));
  app.use(cors({ origin: true, credentials: true }));

  get(app, "/", (_req, res) => void res.type("text").send("OK"));
  get(app, "/rooms", (_req, res) => {
    const data: RoomList = { chatRooms: rooms.list() };
    res.json({ data, error: null });
  });
  const history = { rooms, messageLog, authenticator: options.authenticator, limit: historyLimit };
  get(app, "/rooms/:room/messages", historyHandler(history));
  for (const name of SCHEMA_FILES) get(app, `/schemas/${name}`, schemaHandler(name));
  get(app, "/healthz", healthHandler());
  get(app, "/readyz", readinessHandler(options.readiness));
  if (options.chatPage) for (const { path, handler } of chatPageRoutes()) get(app, path, handler);
  if (metricsToken !== undefined) get(app, "/metrics", metricsHandler(options.metrics, metricsToken));

  app.use(() => {
    throw new ChatError(REFUSALS.notFound);
  });
  app.use(errorEnvelope(log));
  return app;
}

/** Registers a GET route, and with it the 405 for every other method. */
function get(app: Express, path: string, handler: RequestHandler): void {
  app.get(path, handler);
  app.all(path, (_req, res) => {
    res.set("Allow", "GET, HEAD");
    throw new ChatError(REFUSALS.methodNotAllowed);
  });
}

function onlyAllowedOrigins(origins: Origins): RequestHandler {
  return (req, _res, next) => {
    if (!origins.isAllowed(req)) throw new ChatError(REFUSALS.originNotAllowed);
    next();
  };
}

/** What Express and its parsers throw at a bad request has a 4xx `status`; anything else is our own failure. */
function errorEnvelope(log: ClientEventLog): ErrorRequestHandler {
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
