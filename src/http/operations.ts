import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHandler, Response } from "express";
import { bearerToken } from "../access/request";
import type { Metrics } from "../observability/metrics";
import type { Health } from "../protocol/answers";
import { ChatError, REFUSALS } from "../protocol/refusals";
import type { Readiness } from "./readiness";

/** `GET /healthz`: 200 while the process lives. An orchestrator should restart the process if this does not answer. */
export const healthHandler: RequestHandler = (_req, res) => sendHealth(res, "ok");

/** `GET /readyz`: 200 while new clients may be sent here, otherwise 503 with the reasons. */
export function readinessHandler(readiness: Readiness): RequestHandler {
  return (_req, res) => {
    const failures = readiness.failures();
    const error = new ChatError(REFUSALS.notReady, failures); // if thrown, each request would log a line
    if (failures.length === 0) sendHealth(res, "ready");
    else uncached(res).status(error.status).json(error.toEnvelope());
  };
}

/** `GET /metrics`: the metrics in Prometheus's text format, for requests with the token. */
export function metricsHandler(metrics: Metrics, token: string): RequestHandler {
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
