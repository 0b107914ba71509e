import type { RequestHandler, Response } from "express";
import { ChatError, REFUSALS } from "../errors";
import type { Readiness } from "../readiness";

/** `GET /healthz`: the process lives. Whoever hears nothing should start it anew. */
export function healthHandler(): RequestHandler {
  return (_req, res) => void uncached(res).json({ data: { status: "ok" }, error: null });
}

/** `GET /readyz`: whether to send clients here. */
export function readinessHandler(readiness: Readiness): RequestHandler {
  return (_req, res) => {
    const failures = readiness.failures();
    if (failures.length === 0) {
      uncached(res).json({ data: { status: "ready" }, error: null });
      return;
    }
    // Answered here: thrown, it would be a line in the log for every time that somebody asks.
    const error = new ChatError(REFUSALS.notReady, failures);
    uncached(res).status(error.status).json(error.toEnvelope());
  };
}

function uncached(res: Response): Response {
  return res.set("Cache-Control", "no-store");
}
