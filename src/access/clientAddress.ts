import type { IncomingMessage } from "node:http";

type AddressedRequest = Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } };

/**
 * Returns the address that a request comes from, over Express and Engine.IO alike. Each proxy appends the address that
 * it saw to `X-Forwarded-For`. With `trustProxy` trusted proxies before the server, the client's address is the entry
 * `trustProxy` places from the right; the client may have invented everything left of it. A request with fewer entries
 * did not pass all the proxies: then the peer's address counts.
 */
export function clientAddress({ headers, socket }: AddressedRequest, trustProxy: number): string {
  const peer = socket.remoteAddress ?? "unknown";
  if (trustProxy === 0) return peer;
  const forwarded = String(headers["x-forwarded-for"] ?? "");
  const addresses = forwarded.split(",").map((address) => address.trim());
  return addresses.filter((address) => address !== "").at(-trustProxy) ?? peer;
}
