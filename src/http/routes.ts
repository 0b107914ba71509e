import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type { Origins } from "../access/origins";
import { setCorsHeaders, setSecurityHeaders } from "../access/responseHeaders";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import type { RoomList } from "../protocol/answers";
import { ChatError, REFUSALS } from "../protocol/refusals";
import { chatPageRoutes } from "./chatPage";
import { historyHandler, type HistoryDeps } from "./historyRoute";
import { healthHandler, metricsHandler, readinessHandler } from "./operations";
import type { Readiness } from "./readiness";
import { SCHEMA_FILES, schemaHandler } from "./schemaRoute";

/** Options of Node's HTTP server, in ms. They disconnect clients that send a request too slowly. */
export const HTTP_SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000, // with Node's default of 30 s, slow headers would last that long
};

export interface HttpAppDeps extends HistoryDeps {
  origins: Origins;
  readiness: Readiness;
  metrics: Metrics;
  /** The token that opens `/metrics`; undefined: there is no such path. */
  metricsToken: string | undefined;
  /** Whether the chat page is served at `/chat`. */
  chatPage: boolean;
  log: ClientEventLog;
}

/** Returns the Express app: room list, history, operations, schemas and the chat page. */
export function createHttpApp(deps: HttpAppDeps): Express {
  const { rooms, origins, readiness, metrics, metricsToken, chatPage, log } = deps;
  const app = express();
  app.disable("x-powered-by");
  app.use(setSecurityHeaders);
  app.use((req, _res, next) => {
    if (!origins.isAllowed(req)) throw new ChatError(REFUSALS.originNotAllowed);
    next();
  });
  app.use(setCorsHeaders);

  get(app, "/", (_req, res) => void res.type("text").send("OK"));
  get(app, "/rooms", (_req, res) => {
    const data: RoomList = { chatRooms: rooms.list() };
    res.json({ data, error: null });
  });
  get(app, "/rooms/:room/messages", historyHandler(deps));
  for (const name of SCHEMA_FILES) get(app, `/schemas/${name}`, schemaHandler(name));
  get(app, "/healthz", healthHandler);
  get(app, "/readyz", readinessHandler(readiness));
  if (chatPage) for (const [path, handler] of chatPageRoutes()) get(app, path, handler);
  if (metricsToken !== undefined) get(app, "/metrics", metricsHandler(metrics, metricsToken));

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

/** Express and its parsers throw errors with a 4xx `status` at bad requests. Any other error is the server's failure. */
function sendErrorEnvelope(log: ClientEventLog): ErrorRequestHandler {
  return (thrown: unknown, req, res, next) => {
    const status = Number((thrown as { status?: unknown } | null)?.status);
    const refusal = status >= 400 && status < 500 ? REFUSALS.badRequest : REFUSALS.internal;
    const error = thrown instanceof ChatError ? thrown : new ChatError(refusal);
    if (error.status >= 500) log.error("request failed", { method: req.method, err: thrown });
    if (error.status === REFUSALS.unauthorized.status) res.set("WWW-Authenticate", "Bearer");
    if (res.headersSent) next(thrown);
    else res.status(error.status).json(error.toEnvelope());
  };
}
