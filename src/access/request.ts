import type { IncomingMessage } from "node:http";

type Addressed = Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } };

const MAX_ADDRESS_LENGTH = 64; // the longest, IPv6 with a zone and a port, is shorter

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
  const address = addresses.at(-trustProxy);
  return address === undefined ? peer : copyOf(address.slice(0, MAX_ADDRESS_LENGTH));
}

/** V8 keeps the whole string, here a header of up to 16 KB, as long as a part of it is in use. */
function copyOf(part: string): string {
  return Buffer.from(part).toString();
}

/** Returns the token of an `Authorization: Bearer` header (RFC 6750, section 2.1), or undefined without one. */
export function bearerToken({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
}
