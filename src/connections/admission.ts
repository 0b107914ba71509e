import { ServerResponse, type IncomingMessage, type Server as HttpServer } from "node:http";
import cors from "cors";
import helmet from "helmet";
import { ChatError, REFUSALS, type Refusal } from "../protocol/refusals";
import { clientAddress } from "../access/clientAddress";
import { refuseOnSocket } from "./refuseOnSocket";
import type { Origins } from "../access/origins";
import type { ClientEventLog } from "../observability/logger";
import type { Metrics } from "../observability/metrics";
import { isHandshake, type ChatIo, type Connection, type EngineRequest, type EngineResponse } from "./engine";
import type { ChatLimits } from "./limits";

export interface AdmissionOptions {
  origins: Origins;
  /** Proxies before the server whose `X-Forwarded-For` counts. */
  trustProxy: number;
  limits: Pick<ChatLimits, "maxConnections" | "maxConnectionsPerIp">;
  log: ClientEventLog;
  metrics: Metrics;
}

const secureHeaders = helmet();
// Clients of generation 2 send credentials, so the answer names their origin, never `*`.
const corsHeaders = cors({ origin: true, credentials: true });

/**
 * Guards the door of Engine.IO: every request, polls, posts and websocket upgrades alike, passes here before
 * anything of it is looked at (CORS alone does not guard upgrades, and `allowRequest` sees only handshakes).
 */
export class Admission {
  readonly #options: AdmissionOptions;
  /** address → open connections and handshakes under way */
  readonly #perIp = new Map<string, number>();
  #total = 0;
  /** handshake under way → gives its place back */
  readonly #places = new WeakMap<IncomingMessage, () => void>();
  #isOpen = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  guard(server: HttpServer, engine: ChatIo["engine"]): void {
    // Engine.IO and ws end the sockets of upgrades that they refuse, and would then wait for the client to do
    // the same. `websocket` is what they set on those they accept.
    server.on("upgrade", (req: IncomingMessage & { websocket?: unknown }, socket) => {
      socket.once("finish", () => {
        if (req.websocket === undefined) socket.destroy();
      });
    });
    engine.use((req: EngineRequest, res: EngineResponse, next: () => void) => {
      const refusal = this.#refusalFor(req);
      if (refusal !== undefined) {
        this.#refuse(req, res, refusal);
        return;
      }
      if (isHandshake(req)) this.#takePlace(req, res);
      if (res instanceof ServerResponse) secureHeaders(req, res, () => corsHeaders(req, res, next));
      else next(); // an upgrade: browsers look at neither kind of header there
    });
  }

  /** The handshake's place becomes the connection's, until it closes. Returns its client's address. */
  count(conn: Connection): string {
    const giveBack = this.#places.get(conn.request);
    this.#places.delete(conn.request);
    if (giveBack !== undefined) conn.once("close", giveBack);
    return clientAddress(conn.request, this.#options.trustProxy);
  }

  /** From now on clients come in; before, there is nothing to serve them from. */
  open(): void {
    this.#isOpen = true;
  }

  /** From now on nobody new comes in; those inside go on. */
  close(): void {
    this.#isOpen = false;
  }

  #refusalFor(req: EngineRequest): Refusal | undefined {
    if (!this.#options.origins.isAllowed(req)) return REFUSALS.originNotAllowed;
    const { EIO, j, transport } = req._query;
    if (EIO !== undefined && EIO !== "3" && EIO !== "4") return REFUSALS.badRequest;
    if (req.headers.upgrade !== undefined && transport !== "websocket") return REFUSALS.badRequest;
    // JSON-P (generation 2's `j=0`) is read by script tags, which name no origin.
    if (j !== undefined) return REFUSALS.badRequest;
    if (!isHandshake(req)) return undefined;
    if (!this.#isOpen) return REFUSALS.notReady;
    return this.#isFull(req) ? REFUSALS.tooManyConnections : undefined;
  }

  /** Taken before the handshake is done: requests pipelined in one write all pass here before the first is. */
  #takePlace(req: EngineRequest, res: EngineResponse): void {
    const ip = clientAddress(req, this.#options.trustProxy);
    this.#total += 1;
    this.#perIp.set(ip, (this.#perIp.get(ip) ?? 0) + 1);
    this.#places.set(req, () => this.#givePlaceBack(ip));
    res.once("close", () => {
      this.#places.get(req)?.(); // no connection came of it
      this.#places.delete(req);
    });
  }

  #givePlaceBack(ip: string): void {
    this.#total -= 1;
    const left = (this.#perIp.get(ip) ?? 1) - 1;
    if (left === 0) this.#perIp.delete(ip);
    else this.#perIp.set(ip, left);
  }

  #isFull(req: EngineRequest): boolean {
    const { maxConnections, maxConnectionsPerIp } = this.#options.limits;
    if (maxConnections > 0 && this.#total >= maxConnections) return true;
    const ofThisIp = this.#perIp.get(clientAddress(req, this.#options.trustProxy)) ?? 0;
    return maxConnectionsPerIp > 0 && ofThisIp >= maxConnectionsPerIp;
  }

  #refuse(req: EngineRequest, res: EngineResponse, refusal: Refusal): void {
    const ip = clientAddress(req, this.#options.trustProxy);
    this.#options.metrics.connectionsRefused.inc({ reason: refusal.message });
    this.#options.log.warn("connection refused", { ip, reason: refusal.message });
    if (res instanceof ServerResponse) {
      const headers = { "Content-Type": "application/json", Connection: "close" };
      res.writeHead(refusal.status, headers).end(JSON.stringify(new ChatError(refusal).toEnvelope()));
    } else {
      refuseOnSocket(req.socket, refusal); // an upgrade has no response object yet
    }
  }
}
