import cors from "cors";
import helmet from "helmet";

// Middleware `(req, res, next)` for every answer, over Express and Engine.IO alike.

/** Sets helmet's headers, which restrict what a browser does with the answer. */
export const setSecurityHeaders = helmet();

/**
 * Sets the CORS headers and answers preflights. Run it only for requests whose origin is allowed, because it allows the
 * origin of the request: clients of generation 2 send credentials, so the answer must name their origin, never `*`.
 */
export const setCorsHeaders = cors({ origin: true, credentials: true });
