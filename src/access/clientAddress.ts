import type { IncomingMessage } from "node:http";

/**
 * The address a request comes from. Each trusted proxy appends the address it saw to `X-Forwarded-For`, so the
 * client's is the entry `trustProxy` places from the right; what stands left of it the client may have made up.
 */
export function clientAddress(request: IncomingMessage, trustProxy: number): string {
  const peer = request.socket.remoteAddress ?? "unknown";
  if (trustProxy === 0) return peer;
  const forwarded = String(request.headers["x-forwarded-for"] ?? "");
  const addresses = forwarded.split(",").map((address) => address.trim());
  return addresses.filter((address) => address !== "").at(-trustProxy) ?? peer;
}
