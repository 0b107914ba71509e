import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { FairQueue } from "../access/fairQueue";
import { clientAddress } from "../access/request";

const PARSED_BYTES = 1_024; // at a time: 40 requests at most. Node itself parses 64 KB, which takes 0.1 s
const PIECES_PER_TURN = 2; // of a connection. A body of chunks of one byte takes 0.1 ms per KB
const STARTED_PER_TURN = 16; // requests per turn of the event loop, about 2 ms
const UNREAD_ANSWER_TIMEOUT_MS = 10_000;
const HALF_CLOSE_GRACE_MS = 1_000; // for answers, once the client has ended its side

export interface RequestTurnsOptions {
  /** From the start of a request to its answer; must be longer than a poll waits. */
  idleTimeoutMs: number;
  /** Number of proxies before the server whose `X-Forwarded-For` counts. */
  trustProxy: number;
}

/**
 * Call it when all request listeners are attached. From then on:
 * - A connection's requests are served one by one: the next is parsed once the answer before it was written. So
 *   pipelined requests cost no more than others, and a connection has one answer in memory.
 * - 16 requests are started per turn of the event loop, and addresses take turns. A connection has 2 KB parsed per turn.
 * - A client that has ended its side still gets the answers that are there within a second.
 * - A client that takes nothing more of its answer is disconnected after 10 s, at most 20 s.
 */
export function serveInTurns(server: Server, { idleTimeoutMs, trustProxy }: RequestTurnsOptions): void {
  const listeners = server.listeners("request") as RequestListener[];
  const queue = new FairQueue(STARTED_PER_TURN);
  const connections = new WeakMap<Socket, HttpConnection>();
  server.removeAllListeners("request");
  server.on("connection", (socket) => void connections.set(socket, new HttpConnection(socket)));
  const take = (req: IncomingMessage, res: ServerResponse, refusal?: number) => {
    const { socket } = req;
    const serve = () => {
      if (socket.destroyed) return;
      socket.setTimeout(idleTimeoutMs);
      res.once("prefinish", () => disconnectIfUnread(socket, res));
      if (refusal !== undefined) res.writeHead(refusal, { Connection: "close" }).end();
      else for (const listener of listeners) listener.call(server, req, res);
    };
    const start = () => void queue.run(clientAddress(req, trustProxy), () => Promise.resolve(serve()));
    connections.get(socket)?.add({ req, res, start });
  };
  // Node would answer bad requests itself, at once: as many as arrive, and also while the client reads no answer. When
  // the client ends its side, it would drop the requests that wait.
  Object.assign(server, { requireHostHeader: false, httpAllowHalfOpen: true });
  server.on("request", (req, res) => take(req, res, lacksHost(req) ? 400 : undefined));
  server.on("checkExpectation", (req, res) => take(req, res, 417));
  server.prependListener("upgrade", ({ socket }) => {
    connections.get(socket)?.release();
    connections.delete(socket);
  });
}

function lacksHost({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === "1.1" && headers.host === undefined;
}

/** Call it when the whole answer is written to the socket. The socket's own time-out will not do: reading resets it. */
function disconnectIfUnread(socket: Socket, res: ServerResponse): void {
  if (res.destroyed) return; // the client has left, and `close` was emitted
  let unsent = unsentBytes(socket);
  const timer = setInterval(() => {
    const before = unsent;
    unsent = unsentBytes(socket);
    if (unsent === before) socket.resetAndDestroy(); // the reset also drops what the kernel holds
  }, UNREAD_ANSWER_TIMEOUT_MS);
  res.once("close", () => clearInterval(timer));
}

/** Returns what the kernel has not taken. Of a large write, Node's public properties show only the end. */
function unsentBytes(socket: Socket): number | undefined {
  return (socket as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize;
}

interface PendingRequest {
  req: IncomingMessage;
  res: ServerResponse;
  start: () => void;
}

/** One connection while it speaks HTTP. It reads the socket piece by piece; Node's parser takes each piece. */
class HttpConnection {
  readonly #socket: Socket;
  /** Requests without a complete answer; the first is being served. */
  readonly #requests: PendingRequest[] = [];
  readonly #parse = () => this.#parsePieces();
  readonly #takeTurn = () => {
    this.#awaitsTurn = false;
    this.#parsePieces();
  };
  #awaitsTurn = false;
  #isReleased = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", this.#parse);
    socket.on("resume", this.#parse); // the reader of a request's body wants more of it
    socket.once("end", () => this.#onEnd());
  }

  add(request: PendingRequest): void {
    this.#requests.push(request);
    request.res.once("close", () => {
      this.#requests.shift();
      this.#requests[0]?.start();
      this.#parsePieces();
    });
    if (this.#requests.length === 1) request.start();
  }

  /** The connection becomes a websocket. */
  release(): void {
    this.#isReleased = true;
    this.#socket.off("readable", this.#parse).off("resume", this.#parse);
  }

  /** Node closes the connection after its last answer. A poll may take long, and its client may have left. */
  #onEnd(): void {
    if (this.#isReleased || this.#requests.length === 0) return;
    const timer = setTimeout(() => {
      if (this.#requests.at(-1)?.res.writableEnded !== true) this.#socket.destroy();
    }, HALF_CLOSE_GRACE_MS);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  #parsePieces(): void {
    const socket = this.#socket; // a read of 0 bytes emits the end of the stream, if it is there
    for (let pieces = 0; !this.#awaitsTurn && this.#mayParse(); pieces += 1) {
      this.#awaitsTurn = pieces === PIECES_PER_TURN;
      if (this.#awaitsTurn) setImmediate(this.#takeTurn);
      else if (socket.read(Math.min(socket.readableLength, PARSED_BYTES)) === null) return;
    }
  }

  /** Whether no request waits for an answer, or only one whose body is incomplete and being read. */
  #mayParse(): boolean {
    if (this.#isReleased || this.#socket.writableEnded) return false;
    if (this.#socket.readableLength === 0) return true;
    const [first, second] = this.#requests;
    if (first === undefined) return true;
    const { complete, readableLength, readableHighWaterMark } = first.req;
    return second === undefined && !complete && readableLength < readableHighWaterMark;
  }
}
