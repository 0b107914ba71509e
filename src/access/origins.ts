import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";

/** `*` in the list allows every origin. */
export const ANY_ORIGIN = "*";

/** Decides by exact match which web pages may talk to the server, over HTTP, polling and websocket alike. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;
  readonly #trustProxy: number;

  /** `trustProxy`: how many proxies stand before the server; with any, their `X-Forwarded-Proto` counts. */
  constructor(allowed: readonly string[], trustProxy = 0) {
    this.#allowed = new Set(allowed);
    this.#trustProxy = trustProxy;
  }

  /** Requests without an Origin come from no foreign page: browsers name it, other clients need not. */
  isAllowed(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin === undefined || this.#allowed.has(ANY_ORIGIN)) return true;
    return this.#allowed.has(origin) || origin === this.#ownOrigin(request);
  }

  #ownOrigin(request: IncomingMessage): string | undefined {
    const { host } = request.headers;
    return host === undefined ? undefined : `${this.#protocol(request)}://${host}`;
  }

  #protocol(request: IncomingMessage): string {
    const forwarded = request.headers["x-forwarded-proto"];
    if (this.#trustProxy > 0 && typeof forwarded === "string")
      return forwarded.split(",").at(-1)?.trim() ?? "";
    return (request.socket as TLSSocket).encrypted ? "https" : "http";
  }
}
