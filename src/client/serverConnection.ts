import { io, type Socket } from "socket.io-client";
import type { Envelope } from "../protocol/events";
import { backoffMs, type RetryPolicy } from "./backoff";
import { ChatClientError, dataOf, toClientError } from "./chatClientError";
import type { GetToken, SocketSettings } from "./types";

/** Sends an event and returns the data of its answer; rejects with a ChatClientError. */
export type SendRequest = <T>(event: string, payload: unknown) => Promise<T>;

export interface ServerConnectionOptions {
  url: string;
  requestTimeoutMs: number;
  /** Also sets the delays of Socket.IO's own reconnection. */
  retries: RetryPolicy;
  getToken: GetToken | undefined;
  socketOptions: SocketSettings | undefined;
}

export interface ServerConnectionHandlers {
  /** Returns the opt-ins for the handshake's `auth`; called for each attempt. */
  auth: () => object;
  onConnecting: () => void;
  onConnected: () => void;
  onEvent: (event: string, args: readonly unknown[]) => void;
  onLost: () => void;
  /** An attempt to connect failed. */
  onError: (error: ChatClientError) => void;
}

/**
 * One Socket.IO socket that reconnects by itself. Socket.IO retries after network failures; this class retries after
 * refused handshakes, after failures to get a token, and after the server has disconnected the socket.
 */
export class ServerConnection {
  readonly #socket: Socket;
  readonly #options: ServerConnectionOptions;
  readonly #handlers: ServerConnectionHandlers;
  /** Counts transports. A token that arrives after its transport has closed is dropped. */
  #attempt = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ServerConnectionOptions, handlers: ServerConnectionHandlers) {
    const { url, retries, socketOptions } = options;
    this.#options = options;
    this.#handlers = handlers;
    this.#socket = io(url, {
      forceNew: true, // the service takes one socket per connection
      reconnectionDelay: retries.firstMs,
      reconnectionDelayMax: retries.maxMs,
      ...socketOptions,
      autoConnect: false,
      auth: (send: (auth: object) => void) => void this.#authenticate(send),
    });
    this.#listen();
  }

  connect(): void {
    clearTimeout(this.#timer);
    if (this.#socket.connected) return;
    this.#handlers.onConnecting();
    this.#socket.connect();
  }

  /** The connection has proved useful: the next failure counts as the first. */
  markHealthy(): void {
    this.#failures = 0;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket.disconnect();
  }

  emit(event: string, payload: object): void {
    this.#socket.emit(event, payload);
  }

  /** Rejects with a ChatClientError: the refusal, or status 0 when no answer came in time. */
  request<T>(event: string, payload: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAnswer = (failure: Error | null, answer: Envelope<T>) => {
        if (failure !== null) return reject(new ChatClientError(failure.message));
        try {
          resolve(dataOf(answer));
        } catch (refusal) {
          reject(toClientError(refusal));
        }
      };
      this.#socket.timeout(this.#options.requestTimeoutMs).emit(event, payload, onAnswer);
    });
  }

  async #authenticate(send: (auth: object) => void): Promise<void> {
    const { getToken, socketOptions } = this.#options;
    const attempt = this.#attempt;
    try {
      const own = await resolveAuth(socketOptions?.auth);
      const token = await getToken?.();
      if (attempt !== this.#attempt) return;
      send({ ...own, ...(token !== undefined && { token }), ...this.#handlers.auth() });
    } catch (thrown) {
      if (attempt !== this.#attempt) return;
      this.#socket.disconnect();
      this.#handlers.onError(toClientError(thrown));
      this.#reconnectLater();
    }
  }

  #listen(): void {
    const socket = this.#socket;
    const { onConnecting, onConnected, onEvent, onLost, onError } = this.#handlers;
    socket.on("connect", onConnected);
    socket.onAny((event: string, ...args: unknown[]) => onEvent(event, args));
    socket.io.on("reconnect_attempt", onConnecting);
    socket.io.on("close", () => (this.#attempt += 1));
    socket.on("disconnect", (reason) => {
      onLost();
      if (reason === "io server disconnect") this.#reconnectLater();
    });
    socket.on("connect_error", (thrown) => {
      const error = toClientError(thrown);
      onError(error);
      const isRefused = !socket.active; // otherwise the network failed, and Socket.IO tries again
      if (isRefused && this.#options.retries.isRetryable(error)) this.#reconnectLater();
    });
  }

  #reconnectLater(): void {
    const { retries, socketOptions } = this.#options;
    if (socketOptions?.reconnection === false) return;
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), backoffMs(retries, this.#failures));
  }
}

/** Resolves with the application's own part of the handshake's `auth`. */
function resolveAuth(auth: SocketSettings["auth"]): Promise<object | undefined> {
  return new Promise((resolve) => (typeof auth === "function" ? auth(resolve) : resolve(auth)));
}
