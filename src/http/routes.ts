import { createHash, timingSafeEqual } from "node:crypto";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from "express";
import type { Origins } from "../access/origins";
import { bearerToken } from "../access/request";
import { setCorsHeaders, setSecurityHeaders } from "../access/responseHeaders";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import type { Health, RoomList } from "../protocol/answers";
import { ChatError, REFUSALS } from "../protocol/refusals";
import { historyHandler, type HistoryDeps } from "./historyRoute";
import type { Readiness } from "./readiness";
import { chatPageRoutes, fileHandler, SCHEMA_FILES } from "./staticFiles";

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
  for (const name of SCHEMA_FILES) get(app, `/schemas/${name}`, fileHandler(`schemas/${name}`));
  get(app, "/healthz", (_req, res) => sendHealth(res, "ok")); // while the process lives
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

/** `GET /readyz`: 200 while new clients may be sent here, otherwise 503 with the reasons. */
function readinessHandler(readiness: Readiness): RequestHandler {
  return (_req, res) => {
    const failures = readiness.failures();
    const error = new ChatError(REFUSALS.notReady, failures); // if thrown, each request would log a line
    if (failures.length === 0) sendHealth(res, "ready");
    else uncached(res).status(error.status).json(error.toEnvelope());
  };
}

/** `GET /metrics`: the metrics in Prometheus's text format, for requests with the token. */
function metricsHandler(metrics: Metrics, token: string): RequestHandler {
  return async (req, res) => {
    uncached(res);
    const isAllowed = timingSafeEqual(sha256(bearerToken(req) ?? ""), sha256(token)); // needs equal lengths
    if (!isAllowed) throw new ChatError(REFUSALS.unauthorized);
    const text = await metrics.text();
    res.set("Content-Type", metrics.contentType).send(Buffer.from(text)); // for a string, Express changes the type
  };
}

function sendHealth(res: Response, status: Health["status"]): void {
  uncached(res).json({ data: { status } satisfies Health, error: null });
}

function uncached(res: Response): Response {
  return res.set("Cache-Control", "no-store");
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
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
