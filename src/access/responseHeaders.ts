import cors from "cors";
import helmet from "helmet";

/*
 * The headers of every answer, over Express and Engine.IO alike. Both are middleware `(req, res, next)`.
 */

/** Sets helmet's headers, which restrict what a browser does with the answer. */
export const setSecurityHeaders = helmet();

/**
 * Sets the CORS headers and answers preflights. Run it only for requests whose origin is allowed, because it allows the
 * origin of the request: clients of generation 2 send credentials, so the answer must name their origin, never `*`.
 */
export const setCorsHeaders = cors({ origin: true, credentials: true });
