import type { IncomingMessage } from "node:http";

/** `*` in the list allows every origin. */
export const ANY_ORIGIN = "*";

type RequestWithOrigin = Pick<IncomingMessage, "headers"> & { socket: object };

/** Decides which web pages may use the server, over HTTP, polling and websocket alike. Origins must match exactly. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;
  readonly #trustProxy: number;

  /** `trustProxy`: number of proxies before the server; if there are any, their `X-Forwarded-Proto` counts. */
  constructor(allowed: readonly string[], trustProxy = 0) {
    this.#allowed = new Set(allowed);
    this.#trustProxy = trustProxy;
  }

  /**
   * Whether the request's origin is listed or the server's own. A request without an Origin header is allowed: browsers
   * send the header for every foreign page, and other clients need not send it.
   */
  isAllowed(request: RequestWithOrigin): boolean {
    const { origin, host } = request.headers;
    if (origin === undefined || this.#allowed.has(ANY_ORIGIN) || this.#allowed.has(origin)) return true;
    return host !== undefined && origin === `${this.#schemeOf(request)}://${host}`;
  }

  #schemeOf({ headers, socket }: RequestWithOrigin): string | undefined {
    const forwarded = headers["x-forwarded-proto"];
    if (this.#trustProxy > 0 && typeof forwarded === "string") return forwarded.split(",").at(-1)?.trim();
    return "encrypted" in socket && socket.encrypted ? "https" : "http";
  }
}
