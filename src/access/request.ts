import type { IncomingMessage } from "node:http";

type Addressed = Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } };

/**
 * Returns the address that a request comes from, over Express and Engine.IO alike. Each proxy appends the address that
 * it saw to `X-Forwarded-For`. With `trustProxy` trusted proxies before the server, the client's address is the entry
 * `trustProxy` places from the right; the client may have invented everything left of it. A request with fewer entries
 * did not pass all the proxies: then the peer's address counts.
 */
export function clientAddress({ headers, socket }: Addressed, trustProxy: number): string {
  const peer = socket.remoteAddress ?? "unknown";
  if (trustProxy === 0) return peer;
  const forwarded = String(headers["x-forwarded-for"] ?? "").split(",");
  const addresses = forwarded.map((address) => address.trim()).filter((address) => address !== "");
  return addresses.at(-trustProxy) ?? peer;
}

/** Returns the token of an `Authorization: Bearer` header (RFC 6750, section 2.1), or undefined without one. */
export function bearerToken({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
}
