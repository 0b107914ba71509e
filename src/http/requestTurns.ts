import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { FairQueue } from "../access/fairQueue";
import { clientAddress } from "../access/request";
import { refuseOnSocket } from "../connections/refuseOnSocket";
import { REFUSALS } from "../protocol/refusals";

const STARTED_PER_TURN = 16; // requests per turn of the event loop at once, and as many that have waited: about 4 ms
const MAX_PIPELINED = 64; // requests of a connection without an answer; browsers and proxies send one at a time
const UNREAD_ANSWER_TIMEOUT_MS = 10_000;

/**
 * Call it when all request listeners are attached. From then on:
 * - Few requests are started per turn of the event loop. Beyond that they wait, and addresses take turns.
 * - A connection with more than 64 unanswered requests is closed, and so is one that sends a body in chunks (400).
 * - A client that takes nothing more of its answer is disconnected after 10 s, at most 20 s.
 *
 * `trustProxy`: number of proxies before the server whose `X-Forwarded-For` counts.
 */
export function serveInTurns(server: Server, trustProxy: number): void {
  const listeners = server.listeners("request") as RequestListener[];
  const queue = new FairQueue(STARTED_PER_TURN);
  const unanswered = new WeakMap<Socket, number>();
  let startedAtOnce = 0; // in this turn

  const serve = (req: IncomingMessage, res: ServerResponse) => {
    if (req.socket.destroyed) return;
    res.once("prefinish", () => disconnectIfUnread(req.socket, res));
    for (const listener of listeners) listener.call(server, req, res);
  };
  server.removeAllListeners("request");
  server.on("request", (req, res) => {
    const { socket } = req;
    const count = (unanswered.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED) socket.resetAndDestroy();
    // Of a body in chunks each byte can cost as much as a packet. All clients and common proxies send the length.
    else if (req.headers["transfer-encoding"] !== undefined) refuseOnSocket(socket, REFUSALS.badRequest);
    if (!socket.writable) {
      endParsing(socket);
      return;
    }
    unanswered.set(socket, count);
    res.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    if (startedAtOnce === STARTED_PER_TURN) {
      void queue.run(clientAddress(req, trustProxy), () => Promise.resolve(serve(req, res)));
      return;
    }
    if (startedAtOnce === 0) setImmediate(() => (startedAtOnce = 0));
    startedAtOnce += 1;
    serve(req, res);
  });
}

/** Of one read, Node would otherwise parse thousands of further requests or chunks, which takes 20 ms. */
function endParsing(socket: Socket): void {
  (socket as { parser?: { pause?: () => void } }).parser?.pause?.(); // not public; without it, floods only cost more
}

/** Call it when the whole answer is written to the socket. The socket's own time-out will not do: reading resets it. */
function disconnectIfUnread(socket: Socket, res: ServerResponse): void {
  if (res.destroyed) return; // the client has left, and `close` was emitted
  let unsent = unsentBytes(socket);
  const timer = setInterval(() => {
    const before = unsent;
    unsent = unsentBytes(socket);
    // Without unsent bytes, the answer waits for another one of its connection.
    if (unsent > 0 && unsent === before) socket.resetAndDestroy(); // the reset also drops what the kernel holds
  }, UNREAD_ANSWER_TIMEOUT_MS);
  res.once("close", () => clearInterval(timer));
}

/** Returns what the kernel has not taken. Of a large write, Node's public properties show only the end. */
function unsentBytes(socket: Socket): number {
  return (socket as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0;
}
