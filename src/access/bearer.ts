import type { IncomingMessage } from "node:http";

const BEARER = /^bearer +(\S+) *$/i;

/** Returns the token of an `Authorization: Bearer` header (RFC 6750, section 2.1), or undefined without one. */
export function bearerToken({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  return BEARER.exec(headers.authorization ?? "")?.[1];
}
