import { ServerResponse, type IncomingMessage, type Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import type { Origins } from "../access/origins";
import { clientAddress } from "../access/request";
import { setCorsHeaders, setSecurityHeaders } from "../access/responseHeaders";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { ChatError, REFUSALS, type Refusal } from "../protocol/refusals";
import { isHandshake, onceSocketClosed } from "./engine";
import type { ChatIo, Connection, EngineRequest, EngineResponse } from "./engine";
import type { ChatLimits } from "./limits";
import { refuseOnSocket } from "./refuseOnSocket";

type Caps = Pick<ChatLimits, "maxConnections" | "maxConnectionsPerIp">;

export interface ConnectionsDeps {
  origins: Origins;
  /** Number of proxies before the server whose `X-Forwarded-For` counts. */
  trustProxy: number;
  limits: ChatLimits;
  log: ClientEventLog;
  metrics: Metrics;
}

/**
 * Admits or refuses every request to Engine.IO, polls, posts and websocket upgrades alike, before Engine.IO reads it.
 * (CORS alone does not guard upgrades, and Engine.IO's `allowRequest` sees handshakes only.)
 */
export class Admission {
  /** Whether handshakes are admitted. Open connections do not depend on it. */
  isOpen = false;
  /** The sockets of Engine.IO's websocket upgrades, also refused ones, until they are closed in both directions. */
  readonly upgradedSockets = new Set<Socket>();
  readonly #deps: ConnectionsDeps;
  readonly #caps: ConnectionCaps;
  /** handshake under way → removes it from the caps */
  readonly #handshakes = new WeakMap<IncomingMessage, () => void>();

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
    this.#caps = new ConnectionCaps(deps.limits);
  }

  guard(server: HttpServer, engine: ChatIo["engine"]): void {
    // Engine.IO and ws end the sockets of upgrades that they refuse, and would then wait for the client to end its
    // side. They set `websocket` on the requests that they accept.
    server.on("upgrade", (req: IncomingMessage & { websocket?: unknown }, socket) => {
      socket.once("finish", () => {
        if (req.websocket === undefined) socket.destroy();
      });
    });
    engine.use((req: EngineRequest, res: EngineResponse, next: () => void) => {
      if (!(res instanceof ServerResponse)) this.#keepSocket(req.socket);
      const address = clientAddress(req, this.#deps.trustProxy);
      const refusal = this.#refusalOf(req, address);
      if (refusal !== undefined) {
        this.#refuse(req, res, refusal, address);
        return;
      }
      if (isHandshake(req)) this.#countHandshake(req, res, address);
      if (res instanceof ServerResponse) setSecurityHeaders(req, res, () => setCorsHeaders(req, res, next));
      else next(); // an upgrade, whose answer browsers do not check for these headers
    });
  }

  /** Counts the connection in place of its handshake, until its socket closes. Returns its client's address. */
  track(conn: Connection): string {
    const remove = this.#handshakes.get(conn.request);
    this.#handshakes.delete(conn.request);
    if (remove !== undefined) onceSocketClosed(conn, remove);
    return clientAddress(conn.request, this.#deps.trustProxy);
  }

  #keepSocket(socket: Socket): void {
    this.upgradedSockets.add(socket);
    socket.once("close", () => this.upgradedSockets.delete(socket));
  }

  #refusalOf(req: EngineRequest, address: string): Refusal | undefined {
    if (!this.#deps.origins.isAllowed(req)) return REFUSALS.originNotAllowed;
    if (!isServable(req)) return REFUSALS.badRequest;
    if (!isHandshake(req)) return undefined;
    if (!this.isOpen) return REFUSALS.notReady;
    return this.#caps.isFull(address) ? REFUSALS.tooManyConnections : undefined;
  }

  /** Counts now, before the handshake is done: requests pipelined in one write all pass here before the first is. */
  #countHandshake(req: EngineRequest, res: EngineResponse, address: string): void {
    this.#caps.add(address);
    this.#handshakes.set(req, () => this.#caps.remove(address));
    res.once("close", () => {
      this.#handshakes.get(req)?.(); // the handshake led to no connection
      this.#handshakes.delete(req);
    });
  }

  #refuse(req: EngineRequest, res: EngineResponse, refusal: Refusal, ip: string): void {
    this.#deps.metrics.connectionsRefused.inc({ reason: refusal.message });
    this.#deps.log.warn("connection refused", { ip, reason: refusal.message });
    if (res instanceof ServerResponse) {
      const headers = { "Content-Type": "application/json", Connection: "close" };
      res.writeHead(refusal.status, headers).end(JSON.stringify(new ChatError(refusal).toEnvelope()));
    } else refuseOnSocket(req.socket, refusal); // an upgrade has no response object yet
  }
}

/** Whether the request is of a kind that the server supports. Engine.IO itself would accept more. */
function isServable({ _query: { EIO, j, transport }, headers }: EngineRequest): boolean {
  const isSupportedVersion = EIO === undefined || EIO === "3" || EIO === "4";
  const isOtherUpgrade = headers.upgrade !== undefined && transport !== "websocket";
  const isJsonp = j !== undefined; // generation 2's; script tags read its answers and send no Origin header
  return isSupportedVersion && !isOtherUpgrade && !isJsonp;
}

/** Counts connections, handshakes under way included, against the caps: all together and per address. */
export class ConnectionCaps {
  readonly #limits: Caps;
  /** address → its connections */
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: Caps) {
    this.#limits = limits;
  }

  isFull(address: string): boolean {
    const { maxConnections, maxConnectionsPerIp } = this.#limits;
    if (maxConnections > 0 && this.#total >= maxConnections) return true;
    return maxConnectionsPerIp > 0 && (this.#perAddress.get(address) ?? 0) >= maxConnectionsPerIp;
  }

  add(address: string): void {
    this.#total += 1;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  remove(address: string): void {
    this.#total -= 1;
    const count = (this.#perAddress.get(address) ?? 0) - 1;
    if (count > 0) this.#perAddress.set(address, count);
    else this.#perAddress.delete(address);
  }
}
