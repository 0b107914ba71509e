import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHandler, Response } from "express";
import { bearerToken } from "../access/bearer";
import { ChatError, REFUSALS } from "../protocol/refusals";
import type { Metrics } from "../observability/metrics";
import type { Readiness } from "./readiness";
import type { Health } from "../protocol/answers";

/** `GET /healthz`: the process lives. Whoever hears nothing should start it anew. */
export function healthHandler(): RequestHandler {
  return (_req, res) => healthy(res, "ok");
}

/** `GET /readyz`: whether to send clients here. */
export function readinessHandler(readiness: Readiness): RequestHandler {
  return (_req, res) => {
    const failures = readiness.failures();
    if (failures.length === 0) {
      healthy(res, "ready");
      return;
    }
    // Answered here: thrown, it would be a line in the log for every time that somebody asks.
    const error = new ChatError(REFUSALS.notReady, failures);
    uncached(res).status(error.status).json(error.toEnvelope());
  };
}

/** `GET /metrics`: what was counted, for whoever sends the token. */
export function metricsHandler(
  metrics: Pick<Metrics, "contentType" | "text">,
  token: string,
): RequestHandler {
  const expected = sha256(token);
  return async (req, res) => {
    uncached(res);
    const given = sha256(bearerToken(req) ?? "");
    if (!timingSafeEqual(given, expected)) throw new ChatError(REFUSALS.unauthorized);
    const text = await metrics.text();
    res.set("Content-Type", metrics.contentType).send(Buffer.from(text)); // Express would rewrite a string's type
  };
}

function healthy(res: Response, status: Health["status"]): void {
  const data: Health = { status };
  uncached(res).json({ data, error: null });
}

/** Of one length whatever was given, as the comparison needs it. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function uncached(res: Response): Response {
  return res.set("Cache-Control", "no-store");
}
